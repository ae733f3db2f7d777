# What make_packages() runs.
set -e
cd /t/debs
again() { # from, version, to
	rm -rf w; dpkg-deb -R "$1" w
	sed -i "s/^Version: .*/Version: $2/; s/^Depends: dpkg-ng (= [^)]*)/Depends: dpkg-ng (= $2)/" w/DEBIAN/control
	shift 2; [ -z "$2" ] || (cd w; eval "$2")
	dpkg-deb --root-owner-group -Znone -b w "$1" >/dev/null
}
again /t/ng/dpkg-ng_*.deb 1.0 ng1.deb
again /t/ng/dpkg-ng-as-dpkg_*.deb 1.0 as1.deb
again /t/ng/dpkg-ng_*.deb 2.0 ng2.deb
again /t/ng/dpkg-ng-as-dpkg_*.deb 2.0 as2.deb
# One that does not answer for dpkg-query.
again /t/ng/dpkg-ng_*.deb 3.0 ng3.deb '
	mv usr/bin/dpkg-ng usr/lib/dpkg-ng/whole
	printf "%s\n" "#!/bin/sh" "w=/usr/lib/dpkg-ng/whole" \
		"[ \"\$1\" != --tools ] || { \$w --tools | grep -vx dpkg-query; exit; }" \
		"[ \"\${0##*/}\" = dpkg-ng ] || exec \$w \"\${0##*/}\" \"\$@\"" "exec \$w \"\$@\"" >usr/bin/dpkg-ng
	chmod 755 usr/bin/dpkg-ng'
again /t/ng/dpkg-ng-as-dpkg_*.deb 3.0 as3.deb

rm -rf w; mkdir -p w/DEBIAN
dpkg-query -L dpkg | while read -r f; do
	if [ -d "$f" ]; then mkdir -p "w$f"; else cp -a "$f" "w$f"; fi
done
rm -f w/var/lib/dpkg/*/*
dpkg-query -s dpkg | sed '/^Status:/d; /^Conffiles:/,/^[^ ]/{/^Conffiles:/d; /^ /d}; s/^Version: .*/&+again/' >w/DEBIAN/control
for f in preinst postinst prerm postrm conffiles triggers; do
	[ ! -f /var/lib/dpkg/info/dpkg.$f ] || cp -p /var/lib/dpkg/info/dpkg.$f w/DEBIAN/$f
done
sbin=$(ls w/sbin/start-stop-daemon w/usr/sbin/start-stop-daemon 2>/dev/null || :)
for f in w/usr/bin/* $sbin; do printf '\n# again\n' >>$f; done
dpkg-deb --root-owner-group -Znone -b w dpkg2.deb >/dev/null
# The same as the release after this one will have it: start-stop-daemon in /usr/sbin.
case $sbin in w/sbin/*) mkdir -p w/usr/sbin; mv w/sbin/start-stop-daemon w/usr/sbin/; rmdir w/sbin ;; esac
sed -i 's/^Version: .*/&+moved/' w/DEBIAN/control
dpkg-deb --root-owner-group -Znone -b w dpkg3.deb >/dev/null

rm -rf w; mkdir -p w/DEBIAN w/usr/bin
printf '%s\n' 'Package: probe' 'Version: 1' 'Architecture: all' 'Maintainer: M <m@example.org>' \
	'Description: probe' >w/DEBIAN/control
printf 'interest-noawait probe-trigger\n' >w/DEBIAN/triggers
printf '%s\n' '#!/bin/sh' 'set -e' '[ "$1" != triggered ] || { echo triggered >/probe; exit 0; }' \
	'update-alternatives --install /usr/bin/probing probing /usr/bin/probe 10' \
	'dpkg-trigger --no-await probe-trigger' \
	'dpkg-statoverride --force-statoverride-add --update --add root root 0700 /usr/bin/probe' \
	'dpkg-maintscript-helper supports rm_conffile' >w/DEBIAN/postinst
printf '%s\n' '#!/bin/sh' 'set -e' '[ "$1" != remove ] || {' 'update-alternatives --remove probing /usr/bin/probe' \
	'dpkg-statoverride --remove /usr/bin/probe; }' >w/DEBIAN/prerm
printf '%s\n' '#!/bin/sh' 'echo probe' >w/usr/bin/probe
chmod 755 w/DEBIAN/p* w/usr/bin/probe
dpkg-deb --root-owner-group -Znone -b w probe.deb >/dev/null
rm -rf w
