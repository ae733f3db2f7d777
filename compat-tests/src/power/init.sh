#!/bin/sh
# What runs in the virtual machine. As process 1: recovers from the cut, looks whether all is whole, then
# changes packages until the power is cut again. As a service: says how the system is, and ends it.
# It speaks on the second serial line.
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 HOME=/root
export DEBIAN_FRONTEND=noninteractive
exec </dev/null >/dev/ttyS1 2>&1
cd /srv/power

names=$(cd v1; echo *.deb | sed 's/\.deb//g')

end() {
	sync
	echo o >/proc/sysrq-trigger
	sleep 600
}

broken() {
	echo "broken: $*"
	tail -n 30 log
	end
}

# The steps go round.
act() {
	case $(($1 % 4)) in
	1) $wrap dpkg -i v1/*.deb ;;
	2) $wrap dpkg -i v2/*.deb ;;
	3) $wrap dpkg -i v1/*.deb ;;
	0) $wrap dpkg --purge $names ;;
	esac >>log 2>&1
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

if [ $$ != 1 ]; then
	state=$(systemctl is-system-running --wait)
	echo "system: $state"
	systemctl --failed --no-legend --plain
	systemctl start dpkg-db-backup.service || echo "no backup"
	ls /var/backups
	dpkg --audit
	dpkg -V
	echo "end"
	end
fi

mount -o remount,rw /
wrap=
n=$(cat step 2>/dev/null || echo 0)
if [ $n != 0 ]; then
	whole "after the cut"
	dpkg --configure -a >>log 2>&1
	echo "configure -a: $?"
	whole "configured"
	act $n || broken "step $n again"
	done_with $n
	echo "sound"
	! grep -q power.last /proc/cmdline || end
fi
# Every sync is said to have been done, and none is.
calls=fsync,fdatasync,sync_file_range,syncfs,sync,msync
! grep -q power.without-sync /proc/cmdline ||
	wrap="strace -f -qq --seccomp-bpf -o /dev/null -e trace=$calls -e inject=$calls:retval=0"
while :; do
	n=$((n + 1))
	# Of this alone, so that what dpkg has not synced stays so, while the kernel's journal gets on.
	echo $n >step.new
	sync step.new
	mv step.new step
	sync .
	: >log
	echo "step $n"
	act $n || broken "step $n"
done
