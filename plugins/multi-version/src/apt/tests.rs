use std::ffi::OsString;
use std::fs;

use super::*;
use crate::layout::ViewName;
use crate::manifest::Reason;
use crate::view::tests::Made;

#[test]
fn apt_is_led_to_the_view_and_its_marks_come_back() {
    let made = Made::new();
    let mut foo = made.package("foo=1", &[]);
    foo.reason = Reason::Auto;
    let bar = made.package("bar:all=1", &[]);
    made.generation("system", &[foo, bar]);
    let dpkg = made.layout().current_system().join("dpkg");
    fs::create_dir(&dpkg).unwrap();
    let auto = |name: &str| format!("Package: {name}\nArchitecture: amd64\nAuto-Installed: 1\n\n");
    fs::write(dpkg.join("extended_states"), auto("foo")).unwrap();
    let (layout, view): (_, ViewName) = (made.layout(), "system".parse().unwrap());
    let session = Session {
        layout: &layout,
        view: &view,
        dpkg: ("/usr/bin/dpkg-ng".into(), vec!["--plugin=/p.so".into()]),
        native: "amd64".parse().unwrap(),
        private: made.layout().root().join("apt"),
        of_host: false,
    };
    let words = |words: &[&str]| words.iter().map(OsString::from).collect::<Vec<_>>();
    let (code, changed) = session
        .run(&words(&["apt-mark", "manual", "foo"]), |command| {
            assert_eq!(command.get_program(), "apt-mark");
            let args: Vec<_> = command.get_args().collect();
            assert_eq!(args[0], "-c");
            assert_eq!(args[2..], ["manual", "foo"]);
            let conf = fs::read_to_string(args[1]).unwrap();
            assert!(conf.contains(
                "DPkg::Options:: \"--plugin=/p.so\";\nDPkg::Options:: \"--view=system\";\n"
            ));
            fs::write(session.private.join("extended_states"), auto("bar")).unwrap();
            Ok(7)
        })
        .unwrap();
    assert_eq!(code, 7);
    let changed: Vec<_> = changed
        .iter()
        .map(|(m, reason)| (m.realization.package().as_str(), *reason))
        .collect();
    assert_eq!(changed, [("bar", Reason::Auto), ("foo", Reason::Want)]);
    let (_, changed) = session
        .run(&words(&["install", "x"]), |command| {
            assert_eq!(command.get_program(), "apt-get");
            Ok(0)
        })
        .unwrap();
    assert_eq!(changed, []);
    let other: ViewName = "none".parse().unwrap();
    let none = Session {
        view: &other,
        ..session
    };
    assert!(matches!(none.run(&[], |_| Ok(0)), Err(AptError::NoView(_))));
}
