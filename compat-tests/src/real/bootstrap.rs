//! The plan `bootstrap`: new systems by debootstrap and mmdebstrap, on which dpkg-ng is the only
//! dpkg from the first package on, and the programs that live on dpkg at work there.
//!
//! Both sides bootstrap from a repository of the release's own packages, in which the `dpkg` package
//! is built again: for ours with its programs replaced, for stock with an empty file in the place of
//! the binary, so that both count the same files. Nothing else is changed.

/// Where the repository is made.
const REPOSITORY: &str = "/srv/repo";

/// What is not compared: dpkg's own files, and what says when something happened.
pub fn own(path: &str) -> bool {
    let Some((tree, below)) = path.strip_prefix("srv/").and_then(|p| p.split_once('/')) else {
        return !path.starts_with("srv");
    };
    if !["debootstrap", "mmdebstrap"].contains(&tree) {
        return true;
    }
    let program = |p: &str| {
        let p = p.strip_prefix("usr/").unwrap_or(p);
        let name = ["bin/", "sbin/", "libexec/dpkg/"]
            .iter()
            .find_map(|dir| p.strip_prefix(dir));
        name.is_some_and(|n| {
            n.starts_with("dpkg") || n == "update-alternatives" || n == "start-stop-daemon"
        })
    };
    let dirs = [
        "var/log",
        "var/cache/apt",
        "var/lib/apt/lists",
        "tmp",
        "dev",
        "proc",
    ];
    program(below)
        || dirs.contains(&below)
        // Has the checksum of the package.
        || below == "var/lib/dpkg/available"
        || below == "var/lib/dpkg/info/dpkg.list"
        || below == "var/lib/dpkg/info/dpkg.md5sums"
}

/// Downloads what a bootstrap takes, into a directory beside apt's archives.
pub fn fetch(release: &str) -> String {
    format!(
        "apt-get -q -y -o APT::Sandbox::User=root --no-install-recommends install debootstrap mmdebstrap dpkg-dev && \
         M=$(awk '$1 == \"deb\" {{ print $2; exit }}' /etc/apt/sources.list) && rm -rf /srv/dl && \
         debootstrap --no-check-gpg --download-only {release} /srv/dl $M && \
         mkdir -p /var/cache/apt/archives/bootstrap && \
         cp /srv/dl/var/cache/apt/archives/*.deb /var/cache/apt/archives/bootstrap/"
    )
}

/// What is done, step by step.
pub fn steps(release: &str) -> Vec<(&'static str, String)> {
    let apt = "DEBIAN_FRONTEND=noninteractive chroot /srv/debootstrap apt-get -q -y --no-install-recommends -o Dpkg::Use-Pty=0";
    let inside = "chroot /srv/debootstrap";
    let repository = format!(
        "set -e; apt-get -q -y -o APT::Sandbox::User=root --no-install-recommends install debootstrap mmdebstrap dpkg-dev >/dev/null; \
         D={REPOSITORY}/dists/{release}; mkdir -p $D/main/binary-amd64 {REPOSITORY}/pool; \
         cp /var/cache/apt/archives/bootstrap/*.deb {REPOSITORY}/pool/; cd {REPOSITORY}; \
         P=$(ls pool/dpkg_*.deb); dpkg-deb -R $P x; \
         if [ -e /t/bin/dpkg-ng ]; then \
           for t in $(/t/bin/dpkg-ng --tools); do for d in bin sbin usr/bin usr/sbin usr/libexec/dpkg; do \
             if [ -e x/$d/$t ]; then ln -sf /usr/bin/dpkg-ng x/$d/$t; fi; done; done; \
           cp /t/bin/dpkg-ng x/usr/bin/dpkg-ng; \
         else touch x/usr/bin/dpkg-ng; fi; \
         (cd x; find . -path ./DEBIAN -prune -o -path ./etc -prune -o -type f -printf '%P\\0' | xargs -0 md5sum >DEBIAN/md5sums); \
         dpkg-deb --root-owner-group -b x $P >/dev/null; rm -r x; \
         dpkg-scanpackages -m pool /dev/null >$D/main/binary-amd64/Packages 2>/dev/null; \
         gzip -nk $D/main/binary-amd64/Packages; cd $D; \
         (printf 'Origin: here\\nSuite: {release}\\nCodename: {release}\\nDate: %s\\nComponents: main\\nArchitectures: amd64\\nSHA256:\\n' \"$(LC_ALL=C date -Ru)\"; \
          for f in main/binary-amd64/Packages*; do echo \" $(sha256sum <$f | cut -d' ' -f1) $(stat -c %s $f) $f\"; done) >Release"
    );
    let checked = |name, line: &str| (name, format!("{inside} sh -c '{line}'"));
    vec![
        ("repository", repository),
        (
            "debootstrap",
            format!("debootstrap --no-check-gpg {release} /srv/debootstrap file://{REPOSITORY}"),
        ),
        (
            "mmdebstrap",
            format!(
                "mmdebstrap --quiet --mode=root --variant=important {release} /srv/mmdebstrap \
                 'deb [trusted=yes] file:{REPOSITORY} {release} main' 2>&1 | sed 's,/tmp/[^ ]*,TMP,g'"
            ),
        ),
        checked(
            "who",
            "dpkg --audit; dpkg -l; dpkg -V; dpkg-query -W; update-alternatives --get-selections; cut -d\" \" -f3- /var/log/dpkg.log",
        ),
        (
            "install",
            format!(
                "cp /etc/resolv.conf /srv/debootstrap/etc/; \
                 sed 'p; s/^deb /deb-src /' /etc/apt/sources.list >/srv/debootstrap/etc/apt/sources.list; \
                 mount --bind /t/archives /srv/debootstrap/var/cache/apt/archives; \
                 mount -t proc proc /srv/debootstrap/proc; \
                 {apt} update >/dev/null && {apt} install aptitude debconf-utils dpkg-dev build-essential fakeroot debhelper \
                 python3-apt unattended-upgrades debsums needrestart popularity-contest"
            ),
        ),
        checked(
            "aptitude",
            "aptitude -q -y install sl; aptitude -q -F %p search \"?installed\" | sort; aptitude -q -y purge sl; echo $?",
        ),
        checked(
            "debconf",
            "echo \"tzdata tzdata/Areas select Europe\" | debconf-set-selections; debconf-show tzdata; \
             dpkg-reconfigure -f noninteractive tzdata; echo $?",
        ),
        (
            "hello",
            format!(
                "{apt} build-dep hello sl; {inside} sh -c 'cd /tmp && for s in hello sl; do \
                 apt-get -q source $s && (cd $s-*/ && DEB_BUILD_OPTIONS=nocheck dpkg-buildpackage -b -uc -us) && \
                 dpkg -i ${{s}}_*.deb && dpkg -L $s && dpkg -P $s; echo $s $?; done; ls'"
            ),
        ),
        checked(
            "python3-apt",
            "python3 -c \"import apt, apt.debfile, glob\nc = apt.Cache()\nprint(sorted(p.name for p in c if p.is_installed))\n\
             for f in sorted(glob.glob(\\\"/tmp/hello_*.deb\\\")): print(apt.debfile.DebPackage(f, c).check())\"",
        ),
        checked(
            "unattended-upgrades",
            "unattended-upgrade --dry-run; echo $?",
        ),
        checked("debsums", "debsums -as; echo $?; debsums -l"),
        checked("needrestart", "needrestart -b -r l; echo $?"),
        checked(
            "popularity-contest",
            "popularity-contest | cut -d\" \" -f3- | sort; echo $?",
        ),
    ]
}
