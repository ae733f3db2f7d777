# dpkg: install, upgrade, go back, purge.

# The steps go round.
act() {
	case $(($1 % 4)) in
	1) $wrap dpkg -i v1/power*.deb ;;
	2) $wrap dpkg -i v2/power*.deb ;;
	3) $wrap dpkg -i v1/power*.deb ;;
	0) $wrap dpkg --purge $names ;;
	esac >>log 2>&1
}

# This may fail: what was not wholly unpacked must be installed again.
recover() {
	dpkg --configure -a
}

# Every file is that of one version or the other, from its first byte to its last.
whole() {
	find /usr/share/power /etc/power* -type f ! -name '*.dpkg-new' ! -name '*.dpkg-tmp' -exec sha256sum {} + 2>/dev/null |
		sort | comm -23 - sums >torn
	[ ! -s torn ] || broken "$1: $(head -n 5 torn)"
}

# What there must be once a step is done.
done_with() {
	case $(($1 % 4)) in 0) v= ;; 2) v=2 ;; *) v=1 ;; esac
	for p in $names; do
		[ -z "$v" ] || echo "$p $v install ok installed"
	done | sort >expected
	dpkg-query -W -f '${Package} ${Version} ${Status}\n' 'power*' 2>/dev/null | grep -v not-installed | sort >found
	cmp -s expected found || broken "step $1: $(diff expected found | head -n 5)"
	dpkg --audit >audit 2>&1
	[ ! -s audit ] || broken "audit: $(head -n 5 audit)"
	dpkg -V >verify 2>&1
	[ ! -s verify ] || broken "verify: $(head -n 5 verify)"
	find / -xdev -name '*.dpkg-*' ! -path '/var/lib/dpkg/*' ! -name '*.dpkg-ng-*' >left
	[ ! -s left ] || broken "left behind: $(head -n 5 left)"
	case $v in
	'') [ -z "$(ls -A /usr/share/power 2>/dev/null)" ] || broken "not purged" ;;
	*) [ "$(readlink /etc/alternatives/power)" = /usr/share/power/power12/1 ] || broken "alternatives" ;;
	esac
	[ ! -e /usr/bin/dpkg-query.distrib ] || {
		dpkg-query -W -f '${Package} ${Version} ${Status}\n' >ours
		dpkg-query.distrib -W -f '${Package} ${Version} ${Status}\n' >stocks 2>&1
		cmp -s ours stocks || broken "stock reads otherwise: $(diff ours stocks | head -n 5)"
	}
}
