//! Installing, upgrading, removing and purging what goes well.

use super::Cases;
use crate::deb::{Kind, deb};

pub(super) fn add(c: &mut Cases) {
    c.add("basic/life", |w| {
        let v1 = w.deb(
            &deb("pk", "1")
                .file("/usr/share/pk/data", "one\n")
                .conffile("/etc/pk.conf", "one\n")
                .scripts(),
        );
        let v2 = w.deb(
            &deb("pk", "2")
                .file("/usr/share/pk/new", "two\n")
                .conffile("/etc/pk.conf", "two\n")
                .scripts(),
        );
        w.ok(&format!("$D -i {v1}"));
        w.ok("$Q -l; $Q -s pk; $Q -L pk; $Q -S /etc/pk.conf; $Q -W");
        w.ok(&format!("$D -i {v2}"));
        w.ok("$D -r pk");
        w.ok("$Q -l");
        w.ok("$D -P pk");
        w.exit(1, "$Q -s pk");
    });
    c.add("basic/kinds-of-files", |w| {
        w.install(&[deb("pk", "1")
            .dir("/srv/d")
            .mode(0o2750)
            .owner(1, 2)
            .mtime(1_100_000_000)
            .file("/srv/d/f", "text")
            .mode(0o4711)
            .owner(3, 4)
            .mtime(1_200_000_000)
            .entry("/srv/d/hard", Kind::Hard("/srv/d/f".into()))
            .link("/srv/d/l", "../else where")
            .mtime(900_000_000)
            .entry("/srv/d/fifo", Kind::Fifo)
            .mode(0o600)
            .entry("/srv/d/chr", Kind::Char(1, 3))
            .mode(0o666)
            .entry("/srv/d/blk", Kind::Block(7, 200))
            .mode(0o660)
            .owner(0, 6)]);
        w.ok("$Q -L pk");
        w.ok("$D -V pk");
        w.ok("$D -P pk");
    });
}
