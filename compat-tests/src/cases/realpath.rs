//! `dpkg-realpath`: resolving paths with and without a root.

use super::Cases;
use crate::world::{USER, World};

/// A small tree at `/t/w/r` with links of all sorts.
fn tree(w: &mut World) {
    w.prepare(
        "mkdir -p /t/w/r/usr/bin /t/w/r/a/b/c /t/w/r2; cd /t/w/r; echo x >usr/bin/sh; ln -s usr/bin bin; \
         ln -s /usr/bin abs; ln -s ../a a/up; ln -s b/c a/down; ln -s ../../../../.. a/out; ln -s / root; \
         ln -s loop loop; ln -s pong ping; ln -s ping pong; ln -s none/at/all dangling; ln -s .//a/./b/ slashes; \
         ln -s /a/up/../down/../../../bin/sh maze; ln -s /t/w/r/a host; ln -s a/out/a/out/usr deep; \
         for n in $(seq 0 29); do ln -s l$((n+1)) l$n; done; echo end >l30; ln -s /proc/self/root proc",
    );
}

pub(super) fn add(c: &mut Cases) {
    for (name, args) in [
        ("help", "--help"),
        ("help-short", "-?"),
        ("version", "--version"),
        ("nothing", ""),
        ("empty", "''"),
        ("unknown-option", "--jachsmitbju /"),
        ("unknown-option-after-help", "--help --jachsmitbju"),
        ("unknown-option-before-version", "--jachsmitbju --version"),
        ("admindir-is-unknown", "--admindir=/ /"),
        ("root-without-value", "--root"),
        ("value-for-a-flag", "--zero=1 /"),
        ("two-paths", "/usr /etc"),
        ("zero", "--zero /usr | od -c"),
        ("zero-short", "-z /usr | od -c"),
        ("zero-twice", "-zz /usr | od -c"),
        ("after-dashes", "-- --zero"),
        ("option-after-path", "/usr --zero"),
        ("includes-root", "--root=/t/w/r /t/w/r/usr"),
        ("includes-root-as-text", "--root=/t/w/r /t/w/r2"),
        ("is-root", "--root=/t/w/r /t/w/r"),
        ("root-is-slash", "--root=/ /bin/sh"),
        ("root-is-odd", "--root=/t//w/./r/../r/ /abs/sh"),
        ("root-is-missing", "--root=/nowhere /usr/../bin"),
        ("root-is-a-link", "--root=/t/w/r/host /b/c"),
        ("instdir", "--instdir=/t/w/r /abs/sh"),
        ("root-instdir", "--root=/nowhere --instdir=/t/w/r /abs/sh"),
        ("full-device", "/usr >/dev/full"),
    ] {
        c.add(&format!("realpath/command-line-{name}"), move |w| {
            tree(w);
            w.run(&format!("dpkg-realpath {args}"));
            w.run(&format!("DPKG_DEBUG=1 dpkg-realpath {args}"));
        });
    }
    for (name, path) in [
        ("slash", "/"),
        ("slashes", "///"),
        ("dot", "/."),
        ("dot-dot", "/.."),
        ("plain", "/usr/bin/sh"),
        ("missing", "/none/at/all"),
        ("missing-and-up", "/none/../usr"),
        ("through-a-file", "/usr/bin/sh/x/../y"),
        ("slash-at-end", "/usr/bin/"),
        ("slashes-inside", "//usr///bin//sh"),
        ("dots-inside", "/./usr/./bin/../bin/sh"),
        ("above-the-root", "/../../../usr/bin/../../../../a"),
        ("link", "/bin/sh"),
        ("link-itself", "/bin"),
        ("absolute-link", "/abs/sh"),
        ("link-up", "/a/up/up/b"),
        ("link-down", "/a/down/.."),
        ("link-out", "/a/out/usr"),
        ("link-to-root", "/root/root/a"),
        ("link-to-slash", "/root"),
        ("loop", "/loop"),
        ("loop-of-two", "/ping/x"),
        ("dangling", "/dangling"),
        ("dangling-and-up", "/dangling/../x"),
        ("slashes-in-link", "/slashes/c"),
        ("maze", "/maze"),
        ("host-path-in-link", "/host/b"),
        ("deep", "/deep/bin"),
        ("links-24", "/l6"),
        ("links-25", "/l5"),
        ("links-26", "/l4"),
        ("relative", "usr/bin/../../abs"),
        ("relative-dot", "."),
        ("relative-up", "../../x"),
        ("relative-link", "bin"),
        ("no-text", "/$(printf 'p\\351th')/../x$(printf '\\351')"),
        ("magic-link", "/proc/x"),
    ] {
        c.add(&format!("realpath/{name}"), move |w| {
            tree(w);
            w.run(&format!("cd r; dpkg-realpath --root=/t/w/r \"{path}\""));
            w.run(&format!("DPKG_ROOT=/t/w/r dpkg-realpath \"{path}\""));
            w.run(&format!("cd /t/w/r/a; DPKG_ROOT=/t/w/r dpkg-realpath --zero \"{path}\" | od -c"));
            // In the running system, with the tree at its root. The text of /proc/self is the caller's number, with as
            // many digits as it happens to have.
            w.run(&format!(
                "cp -a --no-clobber /t/w/r/. /srv; cd /srv; exec 3>&1; \
                 said=$({{ dpkg-realpath \"{path}\"; dpkg-realpath \"/srv/{path}\"; }} 2>&1 >&3); code=$?; \
                 printf %s \"$said\" | sed 's/ from 0 to [0-9]*$/ from 0 to its digits/' >&2; exit $code"
            ));
        });
    }
    c.add("realpath/environment", |w| {
        tree(w);
        w.env("DPKG_ROOT", "/t/w/r");
        w.run("DPKG_DEBUG=1 dpkg-realpath /abs");
        w.run("DPKG_DEBUG=1 dpkg-realpath --root=/ /bin/sh");
        w.run("DPKG_DEBUG=1 dpkg-realpath --root= /bin/sh");
        w.env("DPKG_ADMINDIR", "/t/w/x");
        w.run("DPKG_DEBUG=1 dpkg-realpath --instdir=/t/w /r/abs");
        w.env("DPKG_ROOT", "");
        w.run("DPKG_DEBUG=1 dpkg-realpath /bin/sh");
    });
    c.add("realpath/user", |w| {
        tree(w);
        w.prepare("chmod 0 /t/w/r/a");
        w.user(Some(USER));
        w.run("dpkg-realpath --root=/t/w/r /a/up; dpkg-realpath --root=/t/w/r /a/out/usr; dpkg-realpath /t/w/r/abs");
    });
    c.add("realpath/removed-directory", |w| {
        // Stock says that it cannot have more memory.
        w.run("mkdir gone; cd gone; rmdir ../gone; ulimit -v 200000; dpkg-realpath x 2>/dev/null");
    });
}
