//! The engine of views: a command on a view is a run of libdpkgng's pipeline on a pending copy of a world.
//!
//! ```text
//! begin     Transaction::begin    the lock; tmp/VIEW-N: the current generation's worlds by hard links; the base of the host
//! store     Transaction::store    the .debs of the command line into the store
//! run       Transaction::dpkg     a child in namespaces of its own, in which dpkg runs; as often as asked
//! commit    Transaction::commit   observed, linked, state sorted; one new generation, made current
//! (dropped)                       nothing happened
//! ```
//!
//! apt calls dpkg many times in one transaction: it is begun by `view apt`, whose configuration names the pending
//! generation to each dpkg-ng ([`Transaction::join`]), and ended by it.
//!
//! | module | owns |
//! |---|---|
//! | `clone` | a tree once more, by hard links |
//! | `inside` | the two namespaces of a run: dpkg's, and its scripts' |
//! | `hooks` | what the pipeline asks: where files go, what the host satisfies; in which context a script runs |
//! | `merge` | what scripts wrote below `/usr`, into the tree |
//! | `query` | what dpkg says of a world that stands |
//! | `shipped` | what `--verify` compares linked files with |
//! | `observe` | what the worlds hold, as their databases tell |
//! | `same` | whether a tree is as another one, file by file |
//! | `set_id` | the set-id files of a pending generation |
//! | `transaction` | begin, join, run, commit |

mod clone;
mod commit;
mod error;
mod hooks;
mod inside;
mod merge;
mod observe;
mod query;
mod same;
mod set_id;
mod shipped;
mod side;
mod transaction;

pub use commit::{Worlds, as_it_stands, recover};
pub use error::EngineError;
pub use query::{Query, query};
pub use transaction::{Asked, Committed, Over, Transaction};
