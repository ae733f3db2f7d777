//! Realizations of what the C compiler makes, and programs running from them where `/var/sys` is a scratch directory.

#[expect(dead_code, reason = "of a corpus that other tests use, too")]
mod built_by;
mod placed;

use placed::closure::{BASE, Closure, soname};

#[test]
fn programs_run_with_what_was_planned() {
    let closure = Closure::new();
    let old = closure.overridden(true);
    let mut plan = closure.plan([closure.libraries(), vec![old.clone()]].concat());
    let linker = closure.linker();
    let sys = closure.placed.sys();
    let mut seen = Vec::new();
    let made = linker
        .make(&sys, &plan.realizations, &mut |p| seen.push((p.done, p.of)))
        .unwrap();
    assert!(made.iter().all(|m| m.new && m.unlinked.is_empty()));
    assert_eq!(seen, [(1, 5), (2, 5), (3, 5), (4, 5), (5, 5)]);
    let checked = linker.check(&plan.link()).unwrap();
    assert_eq!(checked.differences, []);
    assert!(checked.needs > 10 && checked.objects == 8, "{checked:?}");

    // Another program of the same package, as the view has it.
    let new = closure.placed.plain(&closure.program);
    let current = closure.plan([closure.libraries(), vec![new.clone()]].concat());
    let made = linker
        .make(&sys, &current.realizations, &mut |_| {})
        .unwrap();
    assert_eq!(made.iter().filter(|m| m.new).count(), 1);
    linker.check(&current.link()).unwrap().accept().unwrap();
    closure.switch(&current);

    let Some(by_view) = closure.run(&new, &[]) else {
        return;
    };
    assert_eq!(by_view[0], "102");
    let by_itself = closure.run(&old, &[]).unwrap();
    assert_eq!(by_itself[0], "101");
    for (said, base) in [(&by_view, &closure.base[1]), (&by_itself, &closure.base[0])] {
        let base = closure.with_own(base).id().to_string();
        assert!(
            said.iter()
                .any(|l| l.contains(&format!("/var/sys/inst/{base}/")))
        );
        // The program, its interpreter, libc, both libraries: nothing of the host's.
        let files = said.iter().filter(|l| l.starts_with('/'));
        assert!(
            files.clone().all(|l| l.starts_with("/var/sys/inst/")),
            "{said:?}"
        );
        assert_eq!(files.count(), 5, "{said:?}");
    }
    let other = [("LD_LIBRARY_PATH", "/var/sys/other")];
    assert_eq!(closure.run(&new, &other).unwrap()[0], "103");
    assert_eq!(closure.run(&old, &other).unwrap()[0], "103");

    // Another choice is another lib/ of the system: no file is touched.
    for decision in plan.libraries.values_mut().flatten() {
        if decision.soname == soname(BASE) {
            decision.provider = closure.base[0].clone();
        }
    }
    closure.switch(&plan);
    assert_eq!(closure.run(&new, &[]).unwrap()[0], "101");
}
