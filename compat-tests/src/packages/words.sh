# What the lines of a scene may say: `ours`, `stock` (is the system's dpkg), `again` (stock's programs
# come from the later package dpkg), `refused COMMAND`, `apt ...`.
set -e
here() { dpkg-ng --tools | while read -r t; do p=$(PATH=$PATH:/usr/libexec/dpkg command -v "$t") || continue; echo "$p"; done; }
ours() {
	for p in $(here); do
		alone=/usr/lib/dpkg-ng/tools/${p##*/}; [ -e "$alone" ] || alone=/usr/bin/dpkg-ng
		[ "$(readlink -f "$p")" = "$alone" ] || { echo "$p is not ours"; exit 1; }
	done
	dpkg --version >/dev/null; dpkg -l dpkg dpkg-ng dpkg-ng-as-dpkg >/dev/null; dpkg -V dpkg dpkg-ng dpkg-ng-as-dpkg; dpkg --audit
	apt-get -q check >/dev/null
}
stock() {
	! command -v dpkg-ng >/dev/null || for p in $(here); do [ ! -L "$p" ] || { echo "$p is not stock's"; exit 1; }; done
	[ ! -L /usr/bin/dpkg ]; [ ! -L /usr/bin/dpkg-query ]; [ ! -L /usr/sbin/start-stop-daemon ]
	dpkg --version >/dev/null; dpkg -V dpkg; dpkg --audit
	apt-get -q check >/dev/null
	! ls /usr/bin /usr/sbin /usr/libexec/dpkg | grep -E 'distrib|dpkg-ng-new' || exit 1
	[ -z "$(dpkg-divert --list dpkg-ng-as-dpkg)" ]
}
again() { for p in /usr/bin/dpkg /usr/bin/dpkg-query /usr/sbin/start-stop-daemon; do [ "$(tail -n 1 "$p")" = '# again' ] || { echo "$p is the old one"; exit 1; }; done; }
refused() { ! "$@" || { echo "not refused: $*"; exit 1; }; }
apt() { apt-get -q -y -o APT::Sandbox::User=root -o Dpkg::Use-Pty=0 "$@"; }
cd /t/debs
