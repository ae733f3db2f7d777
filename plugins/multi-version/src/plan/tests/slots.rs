use std::fmt::Write;

use super::made::*;
use super::{Plan, WhySlot};

fn why(plan: &Plan) -> String {
    let mut text = String::new();
    for (slot, packages) in &plan.slots {
        for one in packages {
            let why = match &one.why {
                WhySlot::Shares { with, path } => format!("{} /{}", spec(with), path.display()),
                WhySlot::Follows(leader) => format!("follows {}", spec(leader)),
            };
            write!(text, "{slot}: {} ({why}); ", spec(&one.package)).unwrap();
        }
    }
    text.trim_end_matches("; ").into()
}

#[test]
fn newcomers_of_one_command_line_share_a_slot() {
    let made = Made::new(
        "
aa=1
 file usr/bin/a 1
bb=1
 file usr/bin/b 1
 file usr/share/doc same
aa=2
 Depends: bb (= 2), cc
 file usr/bin/a 2
bb=2
 file usr/bin/b 2
 file usr/share/doc same
cc=2
 file usr/share/c x
bb=3
 file usr/bin/b 3
dd=1
 Depends: bb (= 2)
 file usr/bin/a/d x
",
    );
    let mut view = View::new(&made);
    view.go(&install(&["aa=1", "bb=1"]));
    let plan = view.go(&install(&["aa=2", "bb=2", "cc=2"]));
    assert_eq!(shown(&plan), "aa=1 aa=2@aa-2 bb=1 bb=2@aa-2 (cc=2)");
    assert_eq!(
        why(&plan),
        "aa-2: aa=2 (aa=1 /usr/bin/a); aa-2: bb=2 (bb=1 /usr/bin/b)"
    );
    // What clashes with those of a slot, too, gets another; a file where others have a directory is a clash.
    let plan = view.go(&install(&["bb=3"]));
    assert_eq!(
        shown(&plan),
        "aa=1 aa=2@aa-2 bb=1 bb=2@aa-2 bb=3@bb-3 (cc=2)"
    );
    let plan = view.plan(&install(&["dd=1"])).unwrap();
    assert_eq!(why(&plan).matches("dd=1 (aa=1 /usr/bin/a)").count(), 1);
    // They come back when nothing is in the way any more.
    let plan = view.go(&remove(&["bb=1"]));
    assert_eq!(shown(&plan), "aa=1 aa=2@aa-2 bb=2 bb=3@bb-3 (cc=2)");
    let plan = view.go(&remove(&["aa=1"]));
    assert!(shown(&plan).starts_with("aa=2 "), "{}", shown(&plan));
}

#[test]
fn the_same_content_is_no_clash() {
    let made = Made::new(
        "
lib=1
 file usr/share/doc/lib/copyright c
 file usr/lib/x86/lib 1
lib=1:i386
 file usr/share/doc/lib/copyright c
 file usr/lib/i386/lib 1
",
    );
    let plan = View::new(&made).go(&install(&["lib=1", "lib=1:i386"]));
    assert_eq!(shown(&plan), "lib=1 lib=1:i386");
}

#[test]
fn names_of_slots() {
    let made = Made::new(
        "
aa=1
 file usr/bin/a 1
aa=1:i386
 file usr/bin/a 2
aa=2
 file usr/bin/a 3
bb=1
 file usr/bin/a 4
",
    );
    let mut view = View::new(&made);
    let plan = view.go(&install(&["aa=1", "aa=1:i386"]));
    assert_eq!(shown(&plan), "aa=1 aa=1:i386@aa-i386");
    let plan = view.go(&install(&["aa=2", "bb=1"]));
    assert_eq!(shown(&plan), "aa=1 aa=1:i386@aa-i386 aa=2@aa-2 bb=1@bb");
    let plan = view.go(&remove(&["aa=1"]));
    assert_eq!(plan.slots.len(), 2);
}

#[test]
fn who_provides_a_library_stays() {
    let made = Made::new(
        "
libx=1
 library libx.so.1
 file usr/share/x 1
libx=2
 library libx.so.1
 file usr/share/x 2
app=1
 Depends: libx (= 1)
 program usr/bin/app libx.so.1
",
    );
    let mut view = View::new(&made);
    view.go(&install(&["app", "libx=1"]));
    let plan = view.go(&install(&["libx=2"]));
    // The vote of the one program keeps the old one.
    assert_eq!(library(&plan, "libx.so.1"), "libx=1, fewest overrides");
    assert_eq!(shown(&plan), "app=1 (libx=1) libx=2@libx-2");
    let plan = view.go(&pin("libx.so.1", "libx=2", None));
    assert_eq!(library(&plan, "libx.so.1"), "libx=2, pinned");
}

#[test]
fn who_needs_a_package_in_a_slot_follows_it() {
    let made = Made::new(
        "
python=3.11
 file usr/bin/python3 3.11
python=3.13
 file usr/bin/python3 3.13
tool=1
 Depends: python (<< 3.12)
 file usr/bin/tool x
ui=1
 Depends: tool
 file usr/bin/ui x
any=1
 Depends: python
 file usr/bin/any x
linked=1
 Depends: libp (<< 2)
 program usr/bin/linked libp.so.1
libp=1
 library libp.so.1
libp=2
 library libp.so.1
more=1
 Depends: libp (>= 2)
 program usr/bin/more libp.so.1
more2=1
 Depends: libp (>= 2)
 program usr/bin/more2 libp.so.1
",
    );
    let mut view = View::new(&made);
    view.go(&install(&["python=3.13"]));
    let plan = view.go(&install(&["python=3.11", "tool", "any", "ui"]));
    assert_eq!(
        shown(&plan),
        "any=1 python=3.11@python-3.11 python=3.13 (tool=1@python-3.11) ui=1@python-3.11"
    );
    let why = why(&plan);
    assert!(why.contains("tool=1 (follows python=3.11)"), "{why}");
    let plan = view.go(&remove(&["python=3.13"]));
    assert_eq!(shown(&plan), "any=1 python=3.11 (tool=1) ui=1");
    // Libraries are found wherever they are.
    let mut view = View::new(&made);
    view.go(&install(&["linked", "libp=1"]));
    let plan = view.go(&install(&["more", "more2", "libp=2"]));
    assert_eq!(
        shown(&plan),
        "(libp=1@libp-1) (libp=2) linked=1 more2=1 more=1"
    );
}
