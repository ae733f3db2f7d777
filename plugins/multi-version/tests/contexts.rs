//! Contexts of generations made by hand, entered by real programs: as root, and as a user.

mod views;

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::process::ExitStatusExt;

use views::{Views, Who};

/// The same in both kinds of namespaces.
fn each(test: impl Fn(&Views, Who)) {
    for who in Who::all() {
        test(&Views::new(), who);
    }
}

#[test]
fn programs_scripts_and_libraries_are_those_of_the_view() {
    each(|views, who| {
        views.who_library("system", "system");
        views.who_library("work", "work");
        views.script(
            "work",
            "main/root/usr/bin/hello",
            "echo hello from work, and $(basename /usr/bin/env)",
        );
        assert_eq!(
            views.run(who, "--view work -- hello").out,
            "hello from work, and env\n"
        );
        let program = views.program();
        for view in ["system", "work"] {
            let said = views.run(who, &format!("--view {view} -- {program}"));
            assert_eq!(said.out, format!("{view}\n"));
        }
        let none = views.run(who, "-- hello");
        assert_eq!(none.status.code(), Some(127), "{}", none.err);
        // A view without the system view's library is not served by it.
        views.script("bare", "main/root/usr/bin/x", "");
        assert!(
            !views
                .run(who, &format!("--view bare -- {program}"))
                .status
                .success()
        );
        let said = views.run(who, "--view work -- readlink CURRENT");
        assert_eq!(
            said.out,
            views.path("sys/views/work/gen/1/main\n").to_str().unwrap()
        );
    });
}

#[test]
fn worlds_and_generations_can_be_chosen() {
    each(|views, who| {
        let side = "exim4@4.96-15";
        views.member("system", "exim4", "4.96-15", Some(side));
        views.member("system", "postfix", "3.7", None);
        views.script("system", "main/root/usr/bin/mta", "echo postfix");
        views.script("system", "main/root/usr/bin/mail", "");
        let mta = format!("worlds/{side}/root/usr/bin/mta");
        views.script("system", &mta, "echo exim; type mail");
        for (options, said, code) in [
            ("", "postfix\n", 0),
            ("-p postfix=3.7:amd64", "postfix\n", 0),
            // A side world is a whole.
            ("-p exim4", "exim\n", 127),
            ("-p exim4=4.96-15 --view system@1", "exim\n", 127),
            ("--world exim4@4.96-15", "exim\n", 127),
        ] {
            let ran = views.run(who, &format!("{options} -- mta"));
            let out = ran.out.lines().next().unwrap_or_default().to_owned() + "\n";
            let is = (out.as_str(), ran.status.code());
            assert_eq!(is, (said, Some(code)), "{options}: {}{}", ran.out, ran.err);
        }
        for (options, error) in [
            (
                "-p exim4=5",
                "context: exim4=5 is not in generation 1 of view system; there is exim4=4.96-15:amd64\n",
            ),
            (
                "-p postfix -p exim4",
                "context: no world of the generation has all of postfix, exim4\n",
            ),
            (
                "--view system@7",
                "context: view system has no generation 7\n",
            ),
            (
                "--view nix",
                "context: there is no view nix, or it has no current generation\n",
            ),
        ] {
            let ran = views.run(who, &format!("{options} -- mta"));
            assert_eq!((ran.err.as_str(), ran.status.code()), (error, Some(125)));
        }
    });
}

#[test]
fn an_own_state_is_shared_by_its_contexts_and_the_host_keeps_its_own() {
    each(|views, who| {
        let state = views.own("web");
        views.script("web", "main/root/usr/bin/hello", "echo hello");
        views.file("web", "main/etc/alternatives/hello", "world's");
        fs::write(state.join("etc/web.conf"), "state's\n").unwrap();
        fs::write(state.join("var/lib/db"), "data\n").unwrap();
        fs::set_permissions(state.join("var/lib"), fs::Permissions::from_mode(0o777)).unwrap();
        let before = (views.checksum("/etc"), views.checksum("/var/lib/dpkg"));
        let inside = |script: &str| views.run(who, &format!("--view web -- sh -c '{script}'"));
        let ran = inside(
            "cat /etc/web.conf /etc/alternatives/hello /var/lib/db; head -c4 /etc/passwd; ls /var/lib",
        );
        assert_eq!(
            ran.out, "state's\nworld'sdata\nrootdb\ndpkg\n",
            "{}",
            ran.err
        );
        let own = views.path("own");
        fs::write(&own, "").unwrap();
        let ran = inside(&format!(
            "echo new >/var/lib/new; ls {} && readlink CURRENT; touch /var/lib/dpkg/x",
            own.display()
        ));
        let said = format!(
            "{}\n{}\n",
            own.display(),
            views.path("sys/views/web/gen/1/main").display()
        );
        assert_eq!(ran.out, said, "/var/tmp and /var/sys show");
        assert!(ran.err.contains("Read-only file system"), "{}", ran.err);
        assert_eq!(
            fs::read_to_string(state.join("var/lib/new")).unwrap(),
            "new\n"
        );
        // Only root changes /etc.
        let ran =
            inside("echo changed >/etc/web.conf; echo mine >/etc/hosts.mine; cat /etc/web.conf");
        let now = fs::read_to_string(state.join("etc/web.conf")).unwrap();
        match who {
            Who::Root => assert_eq!((ran.out.as_str(), now.as_str()), ("changed\n", "changed\n")),
            Who::User => assert_eq!((ran.out.as_str(), now.as_str()), ("state's\n", "state's\n")),
        }
        let mine = state.join("etc/hosts.mine").exists();
        assert_eq!(mine, who == Who::Root);
        assert_eq!(
            (views.checksum("/etc"), views.checksum("/var/lib/dpkg")),
            before
        );
    });
}

#[test]
fn a_context_of_the_hosts_state_in_one_of_an_own() {
    each(|views, who| {
        let state = views.own("web");
        views.script("web", "main/root/usr/bin/hello", "echo web");
        fs::write(state.join("etc/web.conf"), "").unwrap();
        fs::write(state.join("var/lib/db"), "").unwrap();
        views.script("system", "main/root/usr/bin/hello", "echo system");
        let look = "hello; ls /etc/web.conf /var/lib/db; test -d /var/lib/dpkg/info && echo host";
        let ran = views.shell(
            who,
            &format!("CONTEXT run SYS --view web -- CONTEXT run SYS -- sh -c '{look}'"),
        );
        assert_eq!(ran.out, "system\nhost\n", "{}", ran.err);
        // And the other way round, and back.
        let look = "hello; ls /etc/web.conf /var/lib/db";
        let deep = "CONTEXT run SYS -- CONTEXT run SYS --view web -- CONTEXT run SYS -- CONTEXT run SYS --view web -- ";
        let ran = views.shell(who, &format!("{deep} sh -c '{look}'"));
        assert_eq!(ran.out, "web\n/etc/web.conf\n/var/lib/db\n", "{}", ran.err);
    });
}

#[test]
fn pure_is_without_the_hosts_usr() {
    each(|views, who| {
        views.compiled(
            "system",
            "main/root/usr/bin/alone",
            "int main(void) { return 7; }",
        );
        let ran = views.run(who, "--pure -- alone");
        assert_eq!(ran.status.code(), Some(7), "{}", ran.err);
        assert_eq!(views.run(who, "--pure -- ls").status.code(), Some(127));
        let ran = views.run(who, "-- sh -c 'ls -d /usr/share && alone'");
        assert_eq!(
            (ran.out.as_str(), ran.status.code()),
            ("/usr/share\n", Some(7))
        );
    });
}

#[test]
fn the_process_is_the_same_in_all_but_what_it_sees() {
    each(|views, who| {
        views.script("system", "main/root/usr/bin/hello", "");
        // In place: no process between, no signal changed, no descriptor left, the directory kept.
        let look = "echo $$; pwd; ls /proc/self/fd";
        fs::write(views.path("look"), look).unwrap();
        let bare = format!("cd /var/tmp; sh -c '{look}; exec CONTEXT run SYS -- sh SYS/../look'");
        let ran = views.shell(who, &bare);
        let lines: Vec<&str> = ran.out.lines().collect();
        let (outside, inside) = lines.split_at(lines.len() / 2);
        assert_eq!((outside, outside[1]), (inside, "/var/tmp"), "{}", ran.err);
        let script = "trap '' PIPE USR1; CONTEXT run SYS -- grep -E 'Sig(Blk|Ign)' /proc/self/status; \
                      grep -E 'Sig(Blk|Ign)' /proc/self/status";
        let ran = views.shell(who, script);
        let lines: Vec<&str> = ran.out.lines().collect();
        assert_eq!(lines[..2], lines[2..], "{}", ran.err);
        assert_eq!(views.run(who, "-- sh -c 'exit 42'").status.code(), Some(42));
        assert_eq!(
            views.run(who, "-- sh -c 'kill -9 $$'").status.signal(),
            Some(9)
        );
        let ids = views.shell(
            who,
            "id -u; id -g; CONTEXT run SYS -- id -u; CONTEXT run SYS -- id -g",
        );
        let lines: Vec<&str> = ids.out.lines().collect();
        assert_eq!(lines[..2], lines[2..]);
        // A working directory that the view covers.
        fs::create_dir_all(views.path("sys/views/system/gen/1/main/root/usr/bin/inner")).unwrap();
        let ran = views.shell(who, "cd /usr/bin; CONTEXT run SYS -- ls -d inner");
        assert_eq!(ran.out, "inner\n", "{}", ran.err);
    });
}

#[test]
fn what_cannot_be_run_has_the_status_shells_give() {
    each(|views, who| {
        views.script("system", "main/root/usr/bin/hello", "");
        let lost = views.path("lost");
        fs::write(&lost, "#!/no/such\n").unwrap();
        for (mode, code) in [(0o755, 126), (0o644, 126)] {
            fs::set_permissions(&lost, fs::Permissions::from_mode(mode)).unwrap();
            let ran = views.run(who, &format!("-- {}", lost.display()));
            assert_eq!(ran.status.code(), Some(code), "{}", ran.err);
            assert!(ran.err.starts_with("context: cannot run '"), "{}", ran.err);
        }
        assert_eq!(
            views.run(who, "-- no-such-command").status.code(),
            Some(127)
        );
        assert_eq!(views.run(who, "-- /no/such").status.code(), Some(127));
    });
}

#[test]
fn contexts_in_contexts_do_not_pile_up() {
    each(|views, who| {
        for view in ["a", "b"] {
            views.script(view, "main/root/usr/bin/hello", &format!("echo {view}"));
            views.script(view, &format!("main/root/usr/bin/only-{view}"), "");
        }
        let into = |view: &str| format!("CONTEXT run SYS --view {view} -- ");
        let deep = [
            into("a"),
            into("b"),
            into("a"),
            into("b"),
            into("a"),
            into("b"),
        ]
        .concat();
        let ran = views.shell(
            who,
            &format!("{deep} sh -c 'hello; which only-a only-b ls; readlink CURRENT'"),
        );
        let current = views.path("sys/views/b/gen/1/main");
        let expected = format!("b\n/usr/bin/only-b\n/usr/bin/ls\n{}\n", current.display());
        assert_eq!(ran.out, expected, "{}", ran.err);
        // The same once more is no other namespace.
        let there = "readlink /proc/self/ns/mnt";
        let inner = views.shell(
            who,
            &format!("{} sh -c '{there}; {} {there}'", into("a"), into("a")),
        );
        let lines: Vec<&str> = inner.out.lines().collect();
        assert_eq!(lines[0], lines[1]);
    });
}

#[test]
fn conffiles_the_host_lacks_are_there_and_nothing_is_written() {
    each(|views, who| {
        let before = views.checksum("/etc");
        for name in [
            "main/etc/no-such-here.conf",
            "main/etc/default/no-such-here",
        ] {
            views.file("system", name, "pristine\n");
        }
        views.script("system", "main/root/usr/bin/hello", "");
        let private = views.file("system", "main/etc/ssl/private/key", "");
        let none = fs::Permissions::from_mode(0o700);
        fs::set_permissions(private.parent().unwrap(), none).unwrap();
        let script = "cat /etc/no-such-here.conf /etc/default/no-such-here; head -c4 /etc/passwd; \
                      touch /etc/x /etc/default/x /usr/x";
        let ran = views.run(who, &format!("-- sh -c '{script}'"));
        assert_eq!(ran.out, "pristine\npristine\nroot");
        assert_eq!(
            ran.err.matches("Read-only file system").count(),
            3,
            "{}",
            ran.err
        );
        assert_eq!(views.checksum("/etc"), before);
    });
}

#[test]
fn set_id_bits_count_for_root_alone() {
    each(|views, who| {
        let tool = views.file("system", "main/root/usr/bin/whoami-set-id", "");
        fs::copy("/usr/bin/id", &tool).unwrap();
        fs::set_permissions(&tool, fs::Permissions::from_mode(0o4755)).unwrap();
        if who == Who::Root {
            let user = "setpriv --reuid 1000 --regid 1000 --clear-groups";
            let ran = views.run(who, &format!("-- {user} whoami-set-id -u"));
            assert_eq!(ran.out, "0\n", "{}", ran.err);
        } else {
            let ran = views.run(who, "-- whoami-set-id -u");
            assert_ne!(ran.out, "0\n");
        }
    });
}

#[test]
fn other_file_systems_below_usr() {
    if !Who::all().contains(&Who::Root) {
        return;
    }
    let views = Views::new();
    views.script("system", "main/root/usr/bin/hello", "echo hello");
    let inner = "CONTEXT run SYS -- sh -c 'hello; cat /usr/local/x'";
    let mounted = |inner: &str| {
        format!(
            "unshare -m sh -e <<'END'\nmount -t tmpfs none /usr/local\necho x >/usr/local/x\n{inner}\nEND"
        )
    };
    assert_eq!(views.shell(Who::Root, &mounted(inner)).out, "hello\nx\n");
    let user = format!("setpriv --reuid 1000 --regid 1000 --clear-groups {inner}");
    let ran = views.shell(Who::Root, &mounted(&user));
    assert_eq!(ran.status.code(), Some(125));
    assert!(
        ran.err
            .contains("is mounted on '/usr/local', and a user namespace"),
        "{}",
        ran.err
    );
}

#[test]
fn without_namespaces_it_says_what_to_switch_on() {
    if !Who::all().contains(&Who::Root) {
        return;
    }
    let views = Views::new();
    views.script("system", "main/root/usr/bin/hello", "");
    // A user namespace has limits of its own; in it, nobody with a capability is left.
    let script = "unshare -Ur sh -c 'echo 0 >/proc/sys/user/max_user_namespaces; \
                  exec setpriv --inh-caps=-all --bounding-set=-all CONTEXT run SYS -- hello'";
    let ran = views.shell(Who::Root, script);
    assert_eq!(ran.status.code(), Some(125), "{}", ran.err);
    let hint = "'sysctl user.max_user_namespaces=10000' allows them";
    assert!(
        ran.err.contains("cannot unshare user and mount namespace") && ran.err.contains(hint),
        "{}",
        ran.err
    );
    // And with nothing for the link to be mounted on.
    fs::remove_file(views.path("sys/current-system")).unwrap();
    let ran = views.run(Who::Root, "-- hello");
    assert!(
        ran.err
            .contains("any dpkg-ng --multi-version command run by root makes it"),
        "{}",
        ran.err
    );
    symlink("views/system/current", views.path("sys/current-system")).unwrap();
    assert!(views.run(Who::Root, "-- hello").status.success());
}

/// Ends with the test.
struct Running(std::process::Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn collection_sees_who_is_in_a_context() {
    each(|views, who| {
        views.script("work", "main/root/usr/bin/hello", "");
        let command = "exec CONTEXT run SYS --view work -- sleep 60";
        let running = Running(views.command(who, command).spawn().unwrap());
        let proc = views.path("proc");
        fs::create_dir(&proc).unwrap();
        let pid = running.0.id();
        for name in ["self".into(), pid.to_string()] {
            symlink(format!("/proc/{name}"), proc.join(name)).unwrap();
        }
        while !fs::read_link(format!("/proc/{pid}/exe")).is_ok_and(|e| e.ends_with("sleep")) {
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
        let live = dpkgng_multi_version::gc::live(&views.layout(), &proc).unwrap();
        let (view, number) = ("work".parse().unwrap(), "1".parse().unwrap());
        let key = dpkgng_multi_version::layout::StoreKey::Generation(view, number);
        let why = format!("{:?}", live.used.get(&key));
        assert!(
            why.contains(&format!("Process({pid}, \"mountinfo\")")),
            "{why}"
        );
    });
}
