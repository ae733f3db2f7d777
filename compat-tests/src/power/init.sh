#!/bin/sh
# What runs in the virtual machine. As process 1: recovers from the cut, looks whether all is whole, then
# changes packages until the power is cut again. As a service: says how the system is, and ends it.
# It speaks on the second serial line. What is done and looked at is in dpkg.sh or multi.sh.
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 HOME=/root
export DEBIAN_FRONTEND=noninteractive
exec </dev/null >/dev/ttyS1 2>&1
cd /srv/power

names=$(cd v1; echo power*.deb | sed 's/\.deb//g')

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

if [ $$ != 1 ]; then
	state=$(systemctl is-system-running --wait)
	echo "system: $state"
	systemctl --failed --no-legend --plain
	systemctl start dpkg-db-backup.service && [ -s /var/backups/dpkg.status.0 ] || echo "no backup"
	dpkg --audit
	dpkg -V
	echo "end"
	end
fi

mount -o remount,rw /
wrap=
if grep -q power.multi /proc/cmdline; then . ./multi.sh; else . ./dpkg.sh; fi
n=$(cat step 2>/dev/null || echo 0)
if [ $n != 0 ]; then
	whole "after the cut"
	recover >>log 2>&1
	whole "recovered"
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
