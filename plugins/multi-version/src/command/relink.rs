//! `dpkg-ng relink LIB=VERSION [--only PKG] [--view V | --all] [--check]`: another version of a library for all of a
//! view, or for one package of it.
//!
//! LIB is a soname, or a package, which means all its libraries. VERSION is that of the package that provides it,
//! which is in the view, or in the store; `auto` takes that back. Nothing is rewritten but what takes another library by its own
//! `lib/`: the next generation's `lib/` leads elsewhere. At its end stands a verdict: who gets it, who keeps the old one, and why.
//! `--check` shows that, and changes nothing; `--all` does it in every view that has the library.
