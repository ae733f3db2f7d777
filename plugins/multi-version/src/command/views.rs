//! `view`, `gc` and `relink`: from what stands on the command line to who does it.

use std::io::{self, Write};

use dpkgng_plugin::{Failed, Host};

use super::cli::{self, View};
use super::relink::{self, Seen, Views};
use crate::engine::{self, Asked, Transaction};
use crate::generation::Reader;
use crate::layout::{Layout, Place, ViewName};
use crate::output::{Out, terminal_width};
use crate::plan::Rules;
use crate::view::{self, Collection};

/// Standard output, by the host, which knows of errors there.
struct Output(Host);

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0
            .output(bytes)
            .map_err(|e| io::Error::other(e.to_string()))?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Where lists are printed.
pub fn with_out<T>(host: Host, json: bool, print: impl FnOnce(&mut Out<'_>) -> T) -> T {
    let mut output = Output(host);
    print(&mut Out::new(&mut output, terminal_width(), json))
}

/// `dpkg-ng view …`; `command`: the command line.
pub fn view(host: Host, layout: &Layout, asked: View, command: String) -> Result<i32, Failed> {
    let reader = Reader::new(layout.clone());
    let open = || super::open(host, layout);
    let with = |json: &cli::Json, print: &mut dyn FnMut(&mut Out<'_>) -> Result<i32, Failed>| {
        with_out(host, json.json, print)
    };
    match asked {
        View::Apt(asked) => super::apt::apt(host, layout, &asked, command),
        View::Exec(asked) => super::actions::exec(host, layout, &asked, command),
        View::Create(asked) => {
            super::apt::create(host, layout, &asked, command)?;
            with(&asked.json, &mut |out| {
                Ok(view::at(&reader, &asked.view, out)?)
            })
        }
        View::Clone { from, new, json } => {
            let transaction = Transaction::clone_of(host, layout, &from, &new)?;
            transaction.commit(&Asked {
                command,
                ..Asked::default()
            })?;
            with(&json, &mut |out| Ok(view::at(&reader, &new, out)?))
        }
        View::List {
            view: Some(place),
            commands: true,
            json,
        } => with(&json, &mut |out| Ok(view::commands(&reader, &place, out)?)),
        View::List { view, json, .. } => {
            let view = view.map(|place| place.view);
            with(&json, &mut |out| {
                Ok(view::list(&reader, view.as_ref(), out)?)
            })
        }
        View::Diff { old, new, json } => {
            with(&json, &mut |out| Ok(view::diff(&reader, &old, &new, out)?))
        }
        View::Switch { to, with_etc, json } => with(&json, &mut |out| {
            Ok(view::switch(&open()?, &to, with_etc, out)?)
        }),
        View::Rollback {
            view,
            with_etc,
            json,
        } => with(&json, &mut |out| {
            Ok(view::rollback(&open()?, &view, with_etc, out)?)
        }),
        View::Rm {
            what,
            processes,
            json,
        } => {
            let harmless = processes.harmless.into_iter().collect();
            with(&json, &mut |out| {
                Ok(view::remove(&open()?, &what, &harmless, out)?)
            })
        }
        View::Pin { name, what, json } => with(&json, &mut |out| {
            Ok(view::pin(&open()?, &name, &what, out)?)
        }),
        View::Unpin { name, json } => {
            with(&json, &mut |out| Ok(view::unpin(&open()?, &name, out)?))
        }
    }
}

/// `dpkg-ng gc …`
pub fn gc(host: Host, layout: &Layout, asked: &cli::Gc) -> Result<i32, Failed> {
    let collection = Collection {
        keep: asked.keep,
        harmless: asked.processes.harmless.iter().copied().collect(),
    };
    let reader = Reader::new(layout.clone());
    let json = asked.json.json;
    if let Some(path) = &asked.why {
        return with_out(host, json, |out| Ok(collection.why(&reader, path, out)?));
    }
    if asked.dry_run {
        return with_out(host, json, |out| Ok(collection.dry_run(&reader, out)?));
    }
    let sys = super::open(host, layout)?;
    let mut told = |done: usize, of: usize| {
        // It is no reason to fail that nobody sees it.
        drop(host.progress(done as u64, of as u64, "removing"));
    };
    with_out(host, json, |out| {
        Ok(view::collect(&sys, &collection, &mut told, out)?)
    })
}

/// `dpkg-ng relink …`; `command`: the command line.
pub fn relink(
    host: Host,
    layout: &Layout,
    asked: cli::Relink,
    command: String,
) -> Result<i32, Failed> {
    if !asked.check {
        super::may_change(layout)?;
    }
    let (library, version) = relink::Options::library(&asked.library)?;
    let options = relink::Options {
        library,
        version,
        only: asked.only,
        view: (!asked.all).then_some(asked.view),
        check: asked.check,
        explain: asked.explain,
    };
    let views = ByEngine {
        host,
        layout,
        command,
    };
    with_out(host, asked.json.json, |out| {
        relink::relink(host.services(), layout, &options, &views, out)
    })
}

/// What the engine does for `relink`.
struct ByEngine<'a> {
    host: Host,
    layout: &'a Layout,
    command: String,
}

impl Views for ByEngine<'_> {
    fn all(&self) -> Result<Vec<ViewName>, Failed> {
        Ok(Reader::new(self.layout.clone()).views()?)
    }

    fn look(&self, view: &ViewName) -> Result<Option<Seen>, Failed> {
        if Reader::new(self.layout.clone()).current(view)?.is_none() {
            return Ok(None);
        }
        let place = Place {
            view: view.clone(),
            number: None,
        };
        let (worlds, _) = engine::as_it_stands(self.host, self.layout, &place, &Asked::default())?;
        Ok(Some(Seen {
            observed: worlds.observed,
            rules: worlds.rules,
            facts: worlds.facts,
        }))
    }

    fn commit(&self, view: &ViewName, rules: &Rules) -> Result<(), Failed> {
        let transaction = Transaction::begin(self.host, self.layout, view)?;
        let asked = Asked {
            command: self.command.clone(),
            pins: Some(rules.pins.clone()),
            ..Asked::default()
        };
        transaction.commit(&asked)?;
        Ok(())
    }
}
