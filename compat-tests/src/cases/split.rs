//! dpkg-split: cutting, joining, the queue of parts; and dpkg on parts.

use super::Cases;
use crate::deb::deb;
use crate::world::World;

/// Builds a package of about `kib` KiB and gives its path; the name is that of the package.
fn big(w: &mut World, name: &str, version: &str, kib: usize) -> String {
    let line = format!("{name} {version} sixty-four bytes in a line, so that sizes are easy.\n");
    let text = line.repeat(kib * 1024 / line.len());
    w.deb(&deb(name, version).file(&format!("/opt/{name}"), &text))
}

/// Cuts a package with stock's program into /t/w/PREFIX.NofM.deb.
fn cut(w: &mut World, deb: &str, kib: u32, prefix: &str) {
    w.prepare(&format!(
        "cd /t/w; SOURCE_DATE_EPOCH=1000000000 /usr/bin/dpkg-split -S {kib} -s {deb} {prefix} >/dev/null"
    ));
}

/// Three parts of one package, /t/w/p.1of3.deb and so on.
fn three(w: &mut World) -> String {
    let p = big(w, "pk", "1:2-3", 30);
    cut(w, &p, 20, "p");
    p
}

/// `archive FILE MEMBER...`: what `ar rD` does, which the stock systems do not have.
const ARCHIVE: &str = r#"archive() {
    out=$1; shift; printf '!<arch>\n' >$out
    for f; do
        printf '%-16s%-12s%-6s%-6s%-8s%-10s`\n' $f 0 0 0 100644 $(stat -c %s $f); cat $f
        [ $(($(stat -c %s $f) % 2)) = 0 ] || echo
    done >>$out; }; "#;

/// Replaces line `n` of the text in a part by another and makes the member's size fit.
const EDIT: &str = r#"edit() { # FILE SED
    size=$(($(head -c 66 $1 | tail -c 10)))
    tail -c +69 $1 | head -c $size | sed "$2" >text
    { printf '!<arch>\n%-16s%-12s%-6s%-6s%-8s%-10s`\n' debian-split 1000000000 0 0 100644 $(stat -c %s text)
      cat text
      [ $(($(stat -c %s text) % 2)) = 0 ] || echo
      tail -c +$((69 + size + size % 2)) $1; } >new
    mv new $1; rm text; }; "#;

pub(super) fn add(c: &mut Cases) {
    usage(c);
    cutting(c);
    joining(c);
    damaged(c);
    queue(c);
    installing(c);
}

fn usage(c: &mut Cases) {
    c.add("split/usage", |w| {
        for line in [
            "dpkg-split --help",
            "dpkg-split -?",
            "dpkg-split --version",
            "dpkg-split",
            "dpkg-split -s",
            "dpkg-split -s a b c",
            "dpkg-split -j",
            "dpkg-split -I",
            "dpkg-split -a",
            "dpkg-split -a -o x",
            "dpkg-split -a -o x a b",
            "dpkg-split -l x",
            "dpkg-split -s -j",
            "dpkg-split --nonsense",
            "dpkg-split -z",
            "dpkg-split -o",
            "dpkg-split --output",
            "dpkg-split --msdos=1 -l",
            "dpkg-split --depotdir",
            "dpkg-split --instdir=/x -l",
        ] {
            w.run(line);
        }
    });
    c.add("split/part-sizes", |w| {
        let p = big(w, "pk", "1", 10);
        w.env("SOURCE_DATE_EPOCH", "1000000000");
        for size in [
            "0",
            "1",
            "2",
            "-1",
            "x",
            "3x",
            "",
            " 4",
            "+4",
            "010",
            "0x10",
            "2097151",
            "2097152",
            "99999999999999999999",
            "-99999999999999999999",
        ] {
            w.run(&format!(
                "dpkg-split -S '{size}' -s {p} q; sha256sum q.*; rm -f q.*"
            ));
        }
        w.run(&format!("dpkg-split --partsize=3 -s {p} q"));
        w.run(&format!("dpkg-split --partsize 4 -s {p} q"));
    });
    c.add("split/directories", |w| {
        w.env("DPKG_DEBUG", "1");
        w.run("dpkg-split -l");
        w.run("dpkg-split --root=$R -l");
        w.run("dpkg-split --admindir=$R/x -l");
        w.run("dpkg-split --depotdir=$R/x --root=/nonexistent -l");
        w.env("DPKG_ROOT", "/t/root");
        w.run("dpkg-split -l");
        w.env("DPKG_ADMINDIR", "/t/w/adm");
        w.run("dpkg-split -l");
    });
}

fn cutting(c: &mut Cases) {
    for (name, version, kib, size) in [
        ("one-part", "1", 2, 40),
        ("two-parts", "1.0-1", 10, 20),
        ("many-parts", "2:1.0-1", 60, 5),
        ("hundred-parts", "1~rc1", 110, 2),
    ] {
        c.add(&format!("split/cut-{name}"), move |w| {
            let p = big(w, "pack-age", version, kib);
            w.env("SOURCE_DATE_EPOCH", "1000000000");
            w.run(&format!("dpkg-split -S{size} --split {p}; ls /t/debs"));
            w.run(&format!("dpkg-split -S{size} -s {p} q; sha256sum q.*"));
            w.run("dpkg-split -I q.*; dpkg-split -o whole -j q.*");
            w.run(&format!("cmp whole {p}; dpkg-split -j q.*; ls"));
        });
    }
    c.add("split/cut-default-size", |w| {
        let p = big(w, "pk", "1", 1000);
        w.env("SOURCE_DATE_EPOCH", "1000000000");
        w.run(&format!(
            "dpkg-split -s {p} q; sha256sum q.*; dpkg-split -I q.*"
        ));
    });
    c.add("split/cut-exact-fit", |w| {
        let p = big(w, "pk", "1", 9);
        // A package that is a multiple of the parts' length long.
        w.prepare(&format!("cp {p} /t/w/x.deb; truncate -s 11264 /t/w/x.deb"));
        w.env("SOURCE_DATE_EPOCH", "1000000000");
        w.run("dpkg-split -S 12 -s x.deb; dpkg-split -S 2 -s x.deb q; ls -l; dpkg-split -I x.1*");
    });
    c.add("split/cut-names", |w| {
        let p = big(w, "pk", "1", 5);
        w.prepare(&format!(
            "cd /t/w; cp {p} noext; cp {p} .deb; mkdir d; cp {p} d/a.deb; cp {p} a.deb.deb"
        ));
        w.env("SOURCE_DATE_EPOCH", "1000000000");
        for args in [
            "noext",
            ".deb",
            "d/a.deb",
            "a.deb.deb",
            "noext d/",
            "noext ''",
            "noext d/z.deb",
        ] {
            w.run(&format!(
                "dpkg-split -S4 -s {args}; ls -aR; rm -f *of* d/*of* .*of* d/.*of*"
            ));
        }
    });
    c.add("split/cut-msdos", |w| {
        let p = big(w, "pk", "1", 110);
        w.env("SOURCE_DATE_EPOCH", "1000000000");
        w.prepare("mkdir /t/w/D");
        for (size, prefix) in [
            (60, "Package-Name"),
            (60, "D/Package-Name"),
            (60, "c++lib"),
            (60, "a_b_c_d"),
            (60, "ab"),
            (60, "./D//UPPER"),
            (60, "a.b+c"),
            (60, "X"),
            (12, "longername"),
            (2, "longername"),
            (2, "D/x"),
            (60, "0123456789"),
            (60, "/t/w/D/q-r"),
        ] {
            w.run(&format!(
                "dpkg-split --msdos -S{size} -s {p} '{prefix}'; ls . D; rm -f *.deb D/*"
            ));
        }
    });
    c.add("split/cut-sources", |w| {
        let p = big(w, "pk", "1", 5);
        w.prepare(&format!(
            "cd /t/w; mkdir dir.deb; mkfifo fifo; : >empty.deb; echo text >text.deb; head -c 300 {p} >short.deb; head -c 40 {p} >shorter.deb; ln -s {p} link.deb"
        ));
        w.env("SOURCE_DATE_EPOCH", "1000000000");
        for file in [
            "dir.deb", "nothing.deb", "empty.deb", "text.deb", "short.deb", "shorter.deb", "link.deb", "/dev/null",
            "-",
        ] {
            w.run(&format!("dpkg-split -S4 -s {file} q </dev/null; ls"));
        }
    });
    c.add("split/cut-bad-control", |w| {
        for (n, control) in [
            "Package: p\\nVersion: 1\\n",
            "Package: p\\nVersion: 1\\nArchitecture: all\\nnonsense\\n",
            "Package: P_\\nVersion: 1\\nArchitecture: all\\n",
            "Package: p\\nVersion: b-\\nArchitecture: all\\nMaintainer: x\\nDescription: y\\n",
            "Package: p\\nVersion: 1\\nArchitecture: strange\\nMaintainer: x\\nDescription: y\\n",
            "Package: p\\nVersion: 1\\nArchitecture: all\\n",
            "",
        ]
        .into_iter()
        .enumerate()
        {
            w.prepare(&format!("touch /tmp; cd /t/w; rm -rf t; mkdir t; printf '{control}' >t/control; tar -C t --mtime=@0 -cf control.tar ./control; tar -T/dev/null -cf data.tar; printf '2.0\\n' >debian-binary; {ARCHIVE} archive x{n}.deb debian-binary control.tar data.tar"));
            w.env("SOURCE_DATE_EPOCH", "1000000000");
            w.run(&format!("dpkg-split -S4 -s x{n}.deb; ls"));
        }
    });
    c.add("split/cut-control-not-plain", |w| {
        w.prepare(&format!("cd /t/w; mkdir t; printf 'Package: p\\nVersion: 1\\nArchitecture: all\\n' >t/real; ln -s real t/control; tar -C t --mtime=@0 -cf control.tar ./real ./control; tar -T/dev/null -cf data.tar; printf '2.0\\n' >debian-binary; {ARCHIVE} archive x.deb debian-binary control.tar data.tar"));
        w.env("SOURCE_DATE_EPOCH", "1000000000");
        w.run("dpkg-split -S4 -s x.deb; ls");
    });
    c.add("split/cut-incomplete-control-member", |w| {
        // What tar needs is there, and dpkg-deb wants the rest of the last record too.
        w.prepare(&format!("cd /t/w; mkdir t; printf 'Package: p\\nVersion: 1\\nArchitecture: all\\nMaintainer: x\\nDescription: y\\n' >t/control; tar -C t --mtime=@0 -cf control.tar ./control; printf '2.0\\n' >debian-binary; {ARCHIVE} archive whole debian-binary control.tar; head -c 9000 whole >x.deb"));
        w.env("SOURCE_DATE_EPOCH", "1000000000");
        w.run("dpkg-split -s x.deb 2>/dev/null; echo $?; ls");
    });
    c.add("split/cut-time", |w| {
        let p = big(w, "pk", "1", 5);
        for epoch in [
            "0",
            "",
            "-1",
            "x",
            "12x",
            " 7",
            "999999999999",
            "9999999999999",
            "99999999999999999999",
        ] {
            w.env("SOURCE_DATE_EPOCH", epoch);
            if epoch.is_empty() {
                w.run(&format!("dpkg-split -S4 -s {p} q | cat; ls q.*; rm -f q.*"));
            } else {
                w.run(&format!(
                    "dpkg-split -S4 -s {p} q; sha256sum q.*; rm -f q.*"
                ));
            }
        }
    });
    c.add("split/cut-unwritable", |w| {
        let p = big(w, "pk", "1", 9);
        w.prepare("mkdir -p /t/w/q.2of3.deb");
        w.env("SOURCE_DATE_EPOCH", "1000000000");
        w.run(&format!("dpkg-split -S5 -s {p} q; ls"));
        w.run(&format!("dpkg-split -S5 -s {p} nodir/q"));
        w.run(&format!(
            "ln -s /dev/full f.1of3.deb; dpkg-split -S5 -s {p} f"
        ));
        w.run(&format!("dpkg-split -S5 -s {p} g >/dev/full; ls"));
        w.run(&format!("(ulimit -f 4; dpkg-split -S8 -s {p} h); ls"));
    });
    c.add("split/as-user", |w| {
        let p = three(w);
        w.prepare("chmod 777 /t/w; rm -rf /t/root/var/lib/dpkg/parts");
        w.user(Some(crate::world::USER));
        w.env("SOURCE_DATE_EPOCH", "1000000000");
        w.run(&format!("dpkg-split -S20 -s {p} q; sha256sum q.*"));
        w.run("dpkg-split -o w -j q.*; sha256sum w");
        w.run("dpkg-split --root=$R -o w -a p.1of3.deb; dpkg-split --root=$R -l");
        w.run("dpkg-split --root=/t/root -o w -a p.1of3.deb");
        w.run("dpkg-split --root=$R -d");
        w.run("dpkg-split -a -o w p.1of3.deb 2>&1 | sed -E 's/t[.][0-9a-f]+/t.PID/'");
    });
}

fn joining(c: &mut Cases) {
    c.add("split/join", |w| {
        let p = three(w);
        w.run(&format!(
            "dpkg-split -j p.*; cmp {p} pk_1:2-3_all.deb; rm pk*"
        ));
        w.run("dpkg-split --join -o x p.3of3.deb p.1of3.deb p.2of3.deb; sha256sum x");
        w.run("dpkg-split -o y -j p.1of3.deb p.3of3.deb");
        w.run("dpkg-split -o y -j p.2of3.deb");
        w.run("dpkg-split -o y -j p.1of3.deb p.1of3.deb p.2of3.deb");
        w.run("dpkg-split -o y -j p.1of3.deb p.2of3.deb p.3of3.deb ./p.3of3.deb");
        w.run("dpkg-split -o y -j p.1of3.deb nothing");
        w.run("dpkg-split -o y -j p.1of3.deb /etc/passwd");
        w.run("dpkg-split -o y -j /etc/passwd");
        w.run("dpkg-split -o y -j /dev/null");
        w.run(&format!("dpkg-split -o y -j {p}"));
        w.run("dpkg-split -o nodir/y -j p.*");
        w.run("mkdir dir; dpkg-split -o dir -j p.*");
        w.run("dpkg-split -o /dev/full -j p.*");
        w.run("cat p.1of3.deb | dpkg-split -I -");
        w.run("dpkg-split -o y -j - p.2of3.deb p.3of3.deb <p.1of3.deb");
        w.run("dpkg-split -o y -j p.* >/dev/full; ls");
    });
    c.add("split/join-of-two-packages", |w| {
        three(w);
        let q = big(w, "other", "1", 30);
        cut(w, &q, 20, "q");
        w.run("dpkg-split -o y -j p.1of3.deb q.2of3.deb p.3of3.deb");
        w.run("dpkg-split -o y -j q.3of3.deb p.1of3.deb p.2of3.deb");
        cut(w, &q, 10, "r");
        w.run("dpkg-split -o y -j q.1of3.deb r.2of6.deb");
        w.run("dpkg-split -I p.1of3.deb /etc/passwd q.3of3.deb nothing r.1of6.deb");
    });
    c.add("split/info-of-others", |w| {
        let p = three(w);
        w.prepare("mkdir /t/w/d; mkfifo /t/w/f");
        w.run(&format!("dpkg-split -I {p}"));
        w.run("dpkg-split --info /dev/null");
        w.run("dpkg-split -I d");
        w.run("dpkg-split -I p.1of3.deb d");
        w.run("cat p.1of3.deb >f & dpkg-split -I f; wait");
        w.run("dpkg-split -I p.* >/dev/full");
        w.run("printf '!<arch>' >a; dpkg-split -I a; printf '!<arch>\\nabc' >a; dpkg-split -I a");
        w.run("chmod 0 p.1of3.deb; dpkg-split -I p.1of3.deb");
    });
}

fn damaged(c: &mut Cases) {
    for (name, change) in [
        ("version-3", "edit x 1s/.*/3.0/"),
        ("version-2.999", "edit x 1s/.*/2.999/"),
        ("version-empty", "edit x 1s/.*//"),
        ("version-no-dot", "edit x 1s/.*/2/"),
        ("version-junk", "edit x 1s/.*/2.1x/"),
        ("version-big", "edit x 1s/.*/2.99999999999/"),
        ("version-blanks", "edit x '1s/$/   /'"),
        ("package-empty", "edit x 2s/.*//"),
        ("package-blanks", "edit x '2s/$/ \\t /'"),
        ("package-slash", "edit x 2s,.*,../../x,"),
        ("version-number-odd", "edit x '3s/.*/a b c/'"),
        ("md5-short", "edit x 4s/.//"),
        ("md5-upper", "edit x '4s/.*/\\U&/'"),
        ("md5-long", "edit x 4s/$/0/"),
        ("md5-other", "edit x 4s/./0/"),
        ("total-empty", "edit x 5s/.*//"),
        ("total-junk", "edit x '5s/$/x/'"),
        ("total-high-bit", "edit x '5s/$/\\xe9/'"),
        ("total-negative", "edit x 5s/^/-/"),
        ("total-huge", "edit x 5s/$/99999999999999999999/"),
        ("total-plus", "edit x '5s/^/ +/'"),
        ("total-other", "edit x 5s/.*/50000/"),
        ("part-size-other", "edit x 6s/.*/1000/"),
        ("part-size-negative", "edit x 6s/^/-/"),
        ("numbers-no-slash", "edit x 7s,/,,"),
        ("numbers-empty", "edit x 7s/.*//"),
        ("number-0", "edit x 7s,^1,0,"),
        ("number-4", "edit x 7s,^1,4,"),
        ("number-2", "edit x 7s,^1,2,"),
        ("number-negative", "edit x 7s,^1,-1,"),
        ("number-huge", "edit x 7s,^1,99999999999,"),
        ("number-junk", "edit x 7s,^1,a,"),
        ("count-0", "edit x 7s,3$,0,"),
        ("count-junk", "edit x 7s,3$,3b,"),
        ("count-huge", "edit x 7s,3$,99999999999,"),
        ("count-4", "edit x 7s,3$,4,"),
        ("numbers-two-slashes", "edit x 7s,$,/3,"),
        ("no-architecture", "edit x 8d"),
        ("architecture-empty", "edit x 8s/.*//"),
        ("extra-lines", "edit x '8s/$/\\nmore\\nand more/'"),
        ("seven-lines-only", "edit x 7d"),
        ("one-line", "edit x 2,99d"),
        ("no-lines", "edit x d"),
        ("no-newline-at-end", "edit x ':a;N;$!ba;s/\\n/ /g'"),
        ("nul", "edit x 's/pk/p\\x00/'"),
        (
            "padding",
            "edit x '2s/$/k/;8s/$/k/;3s/$/k/'; size=$(($(head -c 66 x | tail -c 10))); [ $((size % 2)) = 1 ] || edit x '2s/$/k/'; size=$(($(head -c 66 x | tail -c 10))); printf '\\377' | dd of=x bs=1 seek=$((68 + size)) conv=notrunc 2>/dev/null",
        ),
        (
            "first-magic",
            "printf xx | dd of=x bs=1 seek=66 conv=notrunc 2>/dev/null",
        ),
        (
            "first-size-junk",
            "printf z | dd of=x bs=1 seek=57 conv=notrunc 2>/dev/null",
        ),
        (
            "first-size-nul",
            "printf '\\0' | dd of=x bs=1 seek=57 conv=notrunc 2>/dev/null",
        ),
        (
            "first-size-huge",
            "printf 9999999999 | dd of=x bs=1 seek=56 conv=notrunc 2>/dev/null",
        ),
        (
            "first-name",
            "printf 'debian-split/' | dd of=x bs=1 seek=8 conv=notrunc 2>/dev/null",
        ),
        (
            "first-name-other",
            "printf 'debian-splat' | dd of=x bs=1 seek=8 conv=notrunc 2>/dev/null",
        ),
        ("second-name", "sed -i 's/^data\\.1/dato.1/' x"),
        ("second-name-longer", "sed -i 's/^data\\.1   /data.tar /' x"),
        (
            "second-size",
            "sed -i 's/^\\(data.1  .*\\)19456/\\119455/' x",
        ),
        ("second-magic", "sed -i '/^data\\.1/s/`/x/' x"),
        ("truncated-data", "truncate -s -1 x"),
        ("truncated-second-header", "head -c 230 x >y; mv y x"),
        ("truncated-text", "head -c 100 x >y; mv y x"),
        ("truncated-first-header", "head -c 60 x >y; mv y x"),
        ("trailing-data", "echo more >>x"),
        (
            "data-changed",
            "printf zzzz | dd of=x bs=1 seek=5000 conv=notrunc 2>/dev/null",
        ),
    ] {
        c.add(&format!("split/damaged-{name}"), move |w| {
            three(w);
            w.prepare(&format!("cd /t/w; cp p.1of3.deb x; {EDIT} {change}"));
            w.run("dpkg-split -I x");
            w.run("dpkg-split -I p.3of3.deb x");
            w.run("dpkg-split -o y -j x p.2of3.deb p.3of3.deb; rm -f y");
            w.run("dpkg-split --root=$R -o y -a x; dpkg-split --root=$R -l");
            w.run("cat x | dpkg-split -I -");
            w.run("$D -i x; dpkg-split --root=$R -l; dpkg-split --root=$R -d");
            w.run("dpkg-deb -I x");
        });
    }
    c.add("split/damaged-part-size-0", |w| {
        three(w);
        w.prepare(&format!("cd /t/w; cp p.1of3.deb x; {EDIT} edit x 6s/.*/0/"));
        w.deviates("dpkg-split part of length 0", 136, 2, "dpkg-split -I x");
    });
}

fn queue(c: &mut Cases) {
    for order in ["1 2 3", "3 2 1", "2 1 3"] {
        c.add(
            &format!("split/auto-{}", order.replace(' ', "")),
            move |w| {
                let p = three(w);
                for n in order.split(' ') {
                    w.run(&format!("dpkg-split --root=$R -a -o y p.{n}of3.deb; ls"));
                    w.run(
                        "dpkg-split --root=$R -l; ls -l $R/var/lib/dpkg/parts | cut -c1-10,24-31",
                    );
                }
                w.run(&format!("cmp y {p}"));
            },
        );
    }
    c.add("split/auto-many", |w| {
        let p = big(w, "pk", "1", 100);
        cut(w, &p, 12, "p");
        for n in [5, 11, 2, 1, 7, 3, 4, 10, 6, 8, 9] {
            w.run(&format!("dpkg-split --root=$R -Qa -o y p.{n}of11.deb"));
            w.run("dpkg-split --root=$R -l");
        }
    });
    c.add("split/auto-twice", |w| {
        three(w);
        w.run("dpkg-split --root=$R -ao y p.1of3.deb");
        w.run("dpkg-split --root=$R -ao y p.1of3.deb");
        w.run("dpkg-split --root=$R -ao y p.2of3.deb");
        w.run("cp p.1of3.deb again; dpkg-split --root=$R -ao y again");
        w.run("dpkg-split --root=$R -ao y $R/var/lib/dpkg/parts/*.1.3; ls $R/var/lib/dpkg/parts");
        w.run("dpkg-split --root=$R -ao y p.3of3.deb; ls; ls $R/var/lib/dpkg/parts");
        w.run("dpkg-split --root=$R -ao y p.3of3.deb");
    });
    c.add("split/auto-one-part", |w| {
        let p = big(w, "pk", "1", 3);
        cut(w, &p, 40, "p");
        w.run(&format!("dpkg-split --root=$R -ao y p.1of1.deb; cmp y {p}"));
    });
    c.add("split/auto-two-packages", |w| {
        three(w);
        let q = big(w, "Other", "1", 30);
        cut(w, &q, 20, "q");
        for part in ["p.1of3", "q.2of3", "q.1of3"] {
            w.run(&format!("dpkg-split --root=$R -ao y {part}.deb"));
        }
        w.run("dpkg-split --root=$R --listq | sort");
        w.run("dpkg-split --root=$R -d nothing; dpkg-split --root=$R -l | sort");
        w.run("dpkg-split --root=$R -d PK; dpkg-split --root=$R -l");
        w.run("dpkg-split --root=$R -ao y q.3of3.deb; sha256sum y");
        w.run("dpkg-split --root=$R -l");
    });
    c.add("split/auto-not-a-part", |w| {
        let p = three(w);
        w.run(&format!("dpkg-split --root=$R -ao y {p}"));
        w.run(&format!("dpkg-split --root=$R -Qao y {p}"));
        w.run("dpkg-split --root=$R -Qao y /dev/null");
        w.run("dpkg-split --root=$R -ao y nothing");
        w.run("dpkg-split --root=$R -ao y /t/w");
        w.run(&format!("dpkg-split --root=$R -ao y {p} >/dev/full"));
    });
    c.add("split/auto-no-depot", |w| {
        three(w);
        w.run("dpkg-split --depotdir=/t/w/a/b -l");
        w.run("dpkg-split --depotdir=/t/w/a/b -ao y p.1of3.deb; find a");
        w.run("dpkg-split --depotdir=a/b -ao y p.2of3.deb");
        w.run("dpkg-split --depotdir=a/b -d");
        w.run("dpkg-split --depotdir=rel -ao y p.2of3.deb 2>&1 | sed -E 's/t[.][0-9a-f]+/t.PID/'");
        w.run(
            ": >file; dpkg-split --depotdir=file -l; dpkg-split --depotdir=file/x -ao y p.1of3.deb",
        );
        w.run("dpkg-split --depotdir=file -d");
    });
    c.add("split/auto-unwritable", |w| {
        three(w);
        w.run("dpkg-split --root=$R -ao y p.1of3.deb; dpkg-split --root=$R -ao y p.2of3.deb");
        w.run("dpkg-split --root=$R -ao nodir/y p.3of3.deb; dpkg-split --root=$R -l");
        w.run("dpkg-split --root=$R -ao /dev/full p.3of3.deb; dpkg-split --root=$R -l");
        w.run("dpkg-split --root=$R -ao y p.3of3.deb >/dev/full; ls");
    });
    c.add("split/queue-junk", |w| {
        three(w);
        w.run("dpkg-split --root=$R -ao y p.2of3.deb");
        w.prepare("cd $R/var/lib/dpkg/parts; echo junk >junk; mkdir dir; ln -s /nonexistent link; : >.hidden; : >0123456789abcdef0123456789abcdef");
        w.run("dpkg-split --root=$R -l | sort");
        w.run("dpkg-split --root=$R -ao y p.1of3.deb; dpkg-split --root=$R -l | sort");
        w.run("dpkg-split --root=$R -d pk | sort; ls -a $R/var/lib/dpkg/parts");
        w.run("rmdir $R/var/lib/dpkg/parts/dir; dpkg-split --root=$R -d | sort; ls -a $R/var/lib/dpkg/parts");
        w.run("dpkg-split --root=$R -d; dpkg-split --root=$R -l");
    });
    for (name, change) in [
        ("empty", ": >$f"),
        ("not-a-part", "echo hello >$f"),
        ("corrupt", "truncate -s 300 $f"),
        ("other-part", "cp /t/w/p.2of3.deb $f"),
        ("other-package", "cp /t/w/q.1of3.deb $f"),
        ("directory", "rm $f; mkdir $f"),
        ("link", "mv $f /t/w/l; ln -s /t/w/l $f"),
        ("gone-link", "rm $f; ln -s /nonexistent $f"),
        ("spelling", "cp $f ${f%.3}.0x3"),
        ("no-number", "mv $f ${f%.3}.x"),
    ] {
        c.add(&format!("split/queue-{name}"), move |w| {
            three(w);
            let q = big(w, "other", "1", 30);
            cut(w, &q, 20, "q");
            w.run("dpkg-split --root=$R -ao y p.1of3.deb");
            w.prepare(&format!("f=$(echo $R/var/lib/dpkg/parts/*); {change}"));
            w.run("dpkg-split --root=$R -l");
            w.run("dpkg-split --root=$R -d other | sort");
            w.run("dpkg-split --root=$R -ao y p.2of3.deb");
            w.run("dpkg-split --root=$R -l | sort");
            w.run("dpkg-split --root=$R -ao y p.3of3.deb");
            w.run("dpkg-split --root=$R -d | sort");
        });
    }
}

fn installing(c: &mut Cases) {
    c.add("split/dpkg-installs-parts", |w| {
        three(w);
        w.run("$D -i p.1of3.deb");
        w.run("$D --unpack p.3of3.deb; dpkg-split --root=$R -l");
        w.run("$D -i p.2of3.deb; dpkg-split --root=$R -l");
        w.run("$Q -s pk; dpkg --root=$R -V pk");
        w.run("$D -i p.*; $D -P pk");
    });
    c.add("split/dpkg-installs-all-parts", |w| {
        three(w);
        let q = big(w, "other", "1", 30);
        cut(w, &q, 20, "q");
        w.run("$D -i p.1of3.deb q.1of3.deb q.2of3.deb p.3of3.deb q.3of3.deb; $Q -l");
        w.run("dpkg-split --root=$R -l");
        w.run("$D -B -R -i .; $Q -l");
    });
    c.add("split/dpkg-no-act", |w| {
        three(w);
        w.run("$D --no-act -i p.1of3.deb");
        w.run("$D --record-avail p.1of3.deb");
        w.run("$D -A p.*; dpkg-split --root=$R -l");
        w.run("$Q -p pk");
    });
    c.add("split/dpkg-missing-splitter", |w| {
        let p = three(w);
        w.run("mkdir bin; for t in dpkg dpkg-deb dpkg-query tar rm sh diff; do ln -s $(command -v $t) bin/; done; PATH=/t/w/bin:/sbin; $D -i p.1of3.deb");
        w.ok(&format!("$D -i {p}"));
    });
    c.add("split/dpkg-installs-damaged-whole", |w| {
        three(w);
        w.prepare("cd /t/w; for n in 1 2 3; do printf zzzz | dd of=p.${n}of3.deb bs=1 seek=400 conv=notrunc 2>/dev/null; done");
        w.run("$D -i p.1of3.deb; $D -i p.2of3.deb; $D -i p.3of3.deb");
        w.run("$Q -l; dpkg-split --root=$R -l; ls $R/var/lib/dpkg");
    });
    c.add("split/dpkg-parts-as-user", |w| {
        three(w);
        w.user(Some(crate::world::USER));
        w.run("$D -i p.1of3.deb; $D -i p.2of3.deb; $D -i p.3of3.deb");
        w.run("$Q -l; dpkg-split --root=$R -l");
    });
}
