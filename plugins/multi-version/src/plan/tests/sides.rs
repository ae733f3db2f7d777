use super::made::*;
use super::{LinkPlan, Rules};

fn worlds(made: &Made, main: &[&str], side: &[&str]) -> LinkPlan {
    go(made, &[("main", main), ("side@1", side)], &Rules::default())
}

const REDIS: &str = "
redis=7
 Depends: libjem, tools (= 7)
 program usr/bin/redis-server libjem.so.2 libz.so.1
redis=8
 Depends: libjem, tools (= 8)
 program usr/bin/redis-server libjem.so.2 libz.so.1
tools=7
 Depends: libjem
 program usr/bin/redis-cli libjem.so.2
tools=8
 Depends: libjem
 program usr/bin/redis-cli libjem.so.2
libjem=2
 Depends: libz
 library libjem.so.2 libz.so.1
libz=1
 library libz.so.1
libz=2
 library libz.so.1
";

#[test]
fn what_both_have_is_linked_once() {
    let made = Made::new(REDIS);
    let (shared, other) = (["(libjem=2)", "(libz=1)"], ["(libjem=2)", "(libz=2)"]);
    let main = [&["redis=7", "(tools=7)"][..], &shared].concat();
    let side = [&["redis=8", "(tools=8)"][..], &shared].concat();
    let plan = worlds(&made, &main, &side);
    assert_eq!(plan.realizations.len(), 6);
    assert!(plan.realizations.iter().all(|r| r.overrides.is_empty()));
    let members = plan.members();
    let both = members.iter().filter(|m| m.worlds.len() == 2);
    assert_eq!(both.count(), 2);

    // A library the side world has another of: the copies take it from its lib/, and programs see to it outside.
    let side = [&["redis=8", "(tools=8)"][..], &other].concat();
    let plan = worlds(&made, &main, &side);
    let libjem = realization(&plan, "side@1", "libjem=2");
    assert_eq!(libjem.id(), realization(&plan, "main", "libjem=2").id());
    assert!(libjem.overrides.is_empty());
    let z = "libz.so.1".parse().unwrap();
    let [server, cli] = ["redis=8", "tools=8"].map(|p| realization(&plan, "side@1", p));
    assert!(server.overrides.contains_key(&z) && !server.needed.contains(&z));
    assert!(cli.overrides.contains_key(&z) && cli.needed.contains(&z));
    assert_eq!(
        link(&plan, "side@1", "tools=8", "libz.so.1"),
        "libz=2: libjem 2 its world has libz 2"
    );
    assert_eq!(link(&plan, "side@1", "libjem=2", "libz.so.1"), "libz=2");
    assert_eq!(link(&plan, "main", "libjem=2", "libz.so.1"), "libz=1");
}

#[test]
fn a_copy_that_needs_another_has_its_own() {
    let made = Made::new(REDIS);
    let main = ["redis=7", "(tools=7)", "(libjem=2)", "(libz=1)"];
    let side = ["redis=8", "(tools=8)", "(libjem=2)", "(libz=2)"];
    // By a pin, libjem takes libz 1 in both worlds.
    let pins = [pin("libz.so.1", "libz=1", Some("libjem"))];
    let plan = go(
        &made,
        &[("main", &main), ("side@1", &side)],
        &rules(&[], &pins),
    );
    assert_eq!(
        link(&plan, "side@1", "libjem=2", "libz.so.1"),
        "libz=1: pinned for libjem"
    );
    assert_eq!(link(&plan, "main", "libjem=2", "libz.so.1"), "libz=1");
    assert_ne!(
        realization(&plan, "main", "libjem=2").id(),
        realization(&plan, "side@1", "libjem=2").id()
    );
    // All that redis 8 loads has one libz.
    let server = realization(&plan, "side@1", "redis=8");
    assert!(server.overrides.keys().any(|s| s.as_str() == "libz.so.1"));
    assert_eq!(warnings(&plan), [""; 0]);
}

#[test]
fn the_majority_has_no_overrides() {
    let made = Made::new(
        "
libz=1
 library libz.so.1
libz=2
 library libz.so.1
aa=1
 Depends: libz
 program usr/bin/aa libz.so.1
bb=1
 Depends: libz (>= 2)
 program usr/bin/bb libz.so.1
cc=1
 Depends: libz (>= 2)
 program usr/bin/cc libz.so.1
",
    );
    let plan = worlds(&made, &["aa", "libz=1"], &["aa", "bb", "cc", "libz=2"]);
    assert_eq!(library(&plan, "*", "libz.so.1"), "libz=2, fewest overrides");
    assert_eq!(
        link(&plan, "main", "aa=1", "libz.so.1"),
        "libz=1: outside of contexts libz 2 is in use"
    );
    // Its copy there is linked with none.
    assert_eq!(link(&plan, "side@1", "aa=1", "libz.so.1"), "libz=2");
    assert_ne!(
        realization(&plan, "main", "aa=1").id(),
        realization(&plan, "side@1", "aa=1").id()
    );
}

#[test]
fn circles_of_libraries_are_the_programs_matter() {
    let made = Made::new(
        "
app=1
 Depends: liba, libz
 program usr/bin/app liba.so.1
app=2
 Depends: liba, libz
 program usr/bin/app liba.so.1
liba=1
 library liba.so.1 libb.so.1
libb=1
 library libb.so.1 liba.so.1 libz.so.1
libz=1
 library libz.so.1
liba=2
 library liba.so.1 libb.so.1
libb=2
 library libb.so.1 liba.so.1 libz.so.1
libz=2
 library libz.so.1
more=1
 program usr/bin/more liba.so.1 libb.so.1 libz.so.1
",
    );
    let main = ["app=1", "liba=1", "libb=1", "libz=1", "more"];
    let plan = worlds(&made, &main, &["app=2", "liba=2", "libb=2", "libz=2"]);
    assert_eq!(library(&plan, "*", "liba.so.1"), "liba=1, fewest overrides");
    // Of three links one is dropped.
    let links = |p: &str| realization(&plan, "side@1", p).overrides.len();
    assert_eq!(links("liba=2") + links("libb=2"), 2);
    assert_eq!(warnings(&plan), [""; 0]);
}

#[test]
fn architectures_are_apart() {
    let made = Made::new(
        "
libz=1
 library libz.so.1
libz=2:i386
 library libz.so.1
app=1
 Depends: libz
 program usr/bin/app libz.so.1
game=1:i386
 Depends: libz
 program usr/bin/game libz.so.1
",
    );
    let plan = worlds(
        &made,
        &["app", "libz=1"],
        &["app", "libz=1", "game=1:i386", "libz=2:i386"],
    );
    assert_eq!(
        link(&plan, "side@1", "game=1:i386", "libz.so.1"),
        "libz=2:i386"
    );
    assert!(plan.realizations.iter().all(|r| r.overrides.is_empty()));
    assert_eq!(plan.lib.len(), 2);
}

#[test]
fn side_worlds_of_side_worlds_do_not_meet() {
    let made = Made::new(REDIS);
    let main = ["libjem=2", "libz=1"];
    let one = ["redis=7", "tools=7", "libjem=2", "libz=1"];
    let two = ["redis=8", "tools=8", "libjem=2", "libz=2"];
    let worlds = [("main", &main[..]), ("redis@7", &one), ("redis@8", &two)];
    let plan = go(&made, &worlds, &Rules::default());
    assert!(
        realization(&plan, "redis@7", "redis=7")
            .overrides
            .is_empty()
    );
    assert!(
        !realization(&plan, "redis@8", "redis=8")
            .overrides
            .is_empty()
    );
    assert_eq!(
        plan.members()
            .iter()
            .filter(|m| m.worlds.len() == 3)
            .count(),
        1
    );
}
