//! Depends, Pre-Depends, Conflicts, Breaks, Provides, Essential and Protected, and what is forced.

use super::Cases;
use crate::deb::deb;

pub(super) fn add(c: &mut Cases) {
    for (n, depends) in [
        "dep",
        "dep (= 1)",
        "dep (>= 2)",
        "dep (<< 1)",
        "nothing | dep",
        "nothing",
        "virtual",
        "virtual (= 3)",
        "virtual (>= 4)",
        "dep (<= 1), nothing",
        "versioned (= 5)",
        "versioned (>> 5)",
        "versioned",
    ]
    .into_iter()
    .enumerate()
    {
        for field in ["Depends", "Pre-Depends"] {
            c.add(&format!("relations/{field}-{n}"), move |w| {
                let dep = w.deb(
                    &deb("dep", "1")
                        .field("Provides", "virtual, versioned (= 5)")
                        .scripts(),
                );
                let pk = w.deb(&deb("pk", "1").field(field, depends).scripts());
                w.run(&format!("$D -i {pk}"));
                w.run(&format!("$D -i {dep}"));
                w.run("$D --configure -a");
                w.run(&format!("$D -i {pk} {dep}"));
                w.run("$D -r dep");
                w.run(&format!("$D --force-depends -i {pk}"));
                w.run("$D --force-depends -r dep");
                w.run("$D --audit; $Q -l");
                w.run("$D -P pk dep");
            });
        }
    }
    for (n, (field, value)) in [
        ("Conflicts", "old"),
        ("Conflicts", "old (<< 2)"),
        ("Conflicts", "old (>= 2)"),
        ("Conflicts", "virtual"),
        ("Conflicts", "virtual (= 3)"),
        ("Breaks", "old"),
        ("Breaks", "old (<< 2)"),
        ("Breaks", "virtual"),
        ("Breaks", "virtual (>= 3)"),
    ]
    .into_iter()
    .enumerate()
    {
        c.add(&format!("relations/against-{n}-{field}"), move |w| {
            w.install(&[deb("old", "1").field("Provides", "virtual (= 3)").scripts()]);
            let pk = deb("pk", "1").field(field, value).scripts();
            let plain = w.deb(&pk);
            w.run(&format!("$D -i {plain}"));
            w.run(&format!("$D -B -i {plain}"));
            w.run(&format!("$D --force-conflicts --force-breaks -i {plain}"));
            w.run("$Q -l; $D --audit");
            w.run("$D --configure -a");
            w.run("$D -P pk");
            let replacing = w.deb(
                &pk.field("Replaces", "old, virtual")
                    .field("Provides", "virtual"),
            );
            w.run(&format!("$D -i {replacing}"));
            w.run("$Q -l");
        });
        c.add(
            &format!("relations/against-itself-installed-{n}-{field}"),
            move |w| {
                w.install(&[deb("pk", "1").field(field, value)]);
                let old = w.deb(&deb("old", "1").field("Provides", "virtual (= 3)"));
                w.run(&format!("$D -i {old}"));
                w.run(&format!("$D -B -i {old}"));
                let pk2 = w.deb(&deb("pk", "2"));
                w.run(&format!("$D -i {old} {pk2}"));
            },
        );
    }
    c.add("relations/cycle", |w| {
        let ds = [
            deb("a", "1").field("Depends", "b").scripts(),
            deb("b", "1").field("Depends", "c").scripts(),
            deb("c", "1").field("Depends", "a"),
        ];
        let paths: Vec<_> = ds.iter().map(|d| w.deb(d)).collect();
        w.ok(&format!("$D -i {}", paths.join(" ")));
        w.ok("$D -r a b c");
    });
    c.add("relations/cycle-all-with-postinst", |w| {
        for order in ["a b c", "c b a", "b a c"] {
            let paths: Vec<_> = order
                .split(' ')
                .map(|n| {
                    let next = match n {
                        "a" => "b",
                        "b" => "c",
                        _ => "a",
                    };
                    w.deb(&deb(n, "1").field("Depends", next).scripts())
                })
                .collect();
            w.ok(&format!("$D --unpack {}", paths.join(" ")));
            w.ok("$D --configure -a");
            w.ok("$D -P c a b");
        }
    });
    c.add("relations/chain-order", |w| {
        let paths: Vec<_> = (0..8)
            .map(|n| {
                w.deb(
                    &deb(&format!("p{n}"), "1")
                        .field("Depends", &format!("p{}", n + 1))
                        .scripts(),
                )
            })
            .collect();
        let end = w.deb(&deb("p8", "1").scripts());
        w.ok(&format!("$D -i {} {end}", paths.join(" ")));
        w.run("$D -r p8");
        w.ok("$D -r p8 p7 p6 p5 p4 p3 p2 p1 p0");
    });
    for field in ["Essential", "Protected"] {
        c.add(&format!("relations/{field}"), move |w| {
            let f = field;
            w.install(&[deb("pk", "1").field(f, "yes").scripts()]);
            w.run("$D -r pk");
            w.run("$Q -l; $Q -s pk");
            let conflict = w.deb(
                &deb("new", "1")
                    .field("Conflicts", "pk")
                    .field("Replaces", "pk"),
            );
            w.run(&format!("$D -i {conflict}"));
            let breaks = w.deb(&deb("new", "1").field("Breaks", "pk"));
            w.run(&format!("$D -B -i {breaks}"));
            w.run(&format!(
                "$D -B --force-remove-essential --force-remove-protected -i {breaks}"
            ));
            w.run("$D --force-remove-essential -r pk");
            w.run("$D --force-remove-protected -P pk");
        });
    }
    c.add("relations/ignore-depends", |w| {
        let pk = w.deb(&deb("pk", "1").field("Depends", "x, y"));
        w.run(&format!("$D --ignore-depends=x -i {pk}"));
        w.run(&format!("$D --ignore-depends=x,y -i {pk}"));
        w.run(&format!("$D --ignore-depends=X%,y -i {pk}"));
    });
    c.add("relations/depends-version", |w| {
        let pk = w.deb(&deb("pk", "1").field("Depends", "dep (>= 2)"));
        w.install(&[deb("dep", "1")]);
        w.run(&format!("$D --force-depends-version -i {pk}"));
        let other = w.deb(&deb("other", "1").field("Depends", "gone (>= 2)"));
        w.run(&format!("$D --force-depends-version -i {other}"));
    });
    c.add("relations/odd-relations", |w| {
        for (n, (field, value)) in [
            ("Depends", "a (=> 1)"),
            ("Depends", "a (< 1)"),
            ("Depends", "a (> 1)"),
            ("Depends", "a(1)"),
            ("Depends", "a (>= 1"),
            ("Depends", "a | | b"),
            ("Depends", ", a"),
            ("Depends", "a,,b"),
            ("Depends", "A_b"),
            ("Provides", "a | b"),
            ("Provides", "a (>= 1)"),
            ("Conflicts", "a | b"),
            ("Breaks", "a (= 1:2:3)"),
            ("Replaces", "a:any"),
            ("Provides", "a:i386"),
            ("Depends", "a [amd64]"),
            ("Recommends", "a (<<1) | b(>>2)"),
        ]
        .into_iter()
        .enumerate()
        {
            let d = w.deb(&deb(&format!("pk{n}"), "1").field(field, value));
            w.run(&format!("$D -i {d}"));
            w.run(&format!("dpkg-deb -f {d} {field}"));
        }
        w.run("$Q -l");
    });
    c.add("relations/deconfigure-chain", |w| {
        w.install(&[
            deb("lib", "1").scripts(),
            deb("mid", "1").field("Depends", "lib (<< 2)").scripts(),
            deb("top", "1").field("Depends", "mid").scripts(),
        ]);
        let lib2 = w.deb(&deb("lib", "2").field("Breaks", "mid (<< 2)").scripts());
        let mid2 = w.deb(&deb("mid", "2").field("Depends", "lib (>= 2)").scripts());
        w.run(&format!("$D -i {lib2}"));
        w.run(&format!("$D -B -i {lib2}"));
        w.run("$Q -l; $D --audit");
        w.run(&format!("$D -i {mid2}"));
        w.run("$D --configure -a");
    });
    c.add("relations/predepends-unconfigured", |w| {
        let dep = w.deb(&deb("dep", "1").scripts());
        let pk = w.deb(&deb("pk", "1").field("Pre-Depends", "dep").scripts());
        w.ok(&format!("$D --unpack {dep}"));
        w.run(&format!("$D --unpack {pk}"));
        w.run("$D --predep-package");
        w.run("$D -C");
    });
    c.add("relations/remove-needed", |w| {
        w.install(&[
            deb("dep", "1").field("Provides", "virt"),
            deb("alt", "1").field("Provides", "virt"),
            deb("pk", "1").field("Depends", "virt"),
        ]);
        w.run("$D -r dep");
        w.run("$D -r alt");
        w.run("$D -r alt pk");
        w.run("$D -r never-heard");
        w.run("$D -P pk pk");
    });
}
