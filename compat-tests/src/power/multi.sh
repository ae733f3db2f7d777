# dpkg-ng --multi-version: install, install more versions, collect what is old, remove.

MV="dpkg-ng --multi-version"
generation=/var/sys/current-system
seen=$generation/main/root/usr/share/power

# The steps go round.
act() {
	case $(($1 % 4)) in
	1) $wrap $MV -i v1/*.deb more/*.deb ;;
	2) $wrap $MV -i v2/*.deb ;;
	3) $wrap dpkg-ng gc --keep 1 --ignore-process 1 ;;
	0) purge ;;
	esac >>log 2>&1
}

# Side worlds first; when one has what the main world has, it is gone.
purge() {
	for world in $(ls $generation/worlds 2>/dev/null) ""; do
		in="$MV${world:+ --world $world}"
		there=$($in -l | awk '$1 == "ii" { sub(":.*", "", $2); print $2 }' | grep -E '^(power|less)')
		[ -z "$there" ] || $wrap $in -P $there || return
	done
}

# The command itself takes up what was begun.
recover() { :; }

# Every file of the store and of the view is that of one version or the other; a rewritten program runs. What is
# in tmp/ is not of either yet.
whole() {
	find /var/sys -path /var/sys/tmp -prune -o -path '*/share/power/*' -type f -exec sha256sum {} + 2>/dev/null | cut -d' ' -f1 | sort -u >hashes
	cut -d' ' -f1 sums | sort -u | comm -23 hashes - >torn
	[ ! -s torn ] || broken "$1: $(grep -c . torn) files"
	[ ! -e /var/sys/current-system/bin/less ] ||
		/var/sys/current-system/bin/less --version >less 2>&1 || broken "$1: less: $(cat less)"
	find /var/sys/current-system/bin /var/sys/current-system/lib -xtype l >dangling 2>/dev/null
	[ ! -s dangling ] || broken "$1: links to nowhere: $(head -n 5 dangling)"
}

# What there must be once a step is done.
done_with() {
	case $(($1 % 4)) in
	0) [ -z "$(ls -A $seen 2>/dev/null)" ] || broken "step $1: not purged" ;;
	*)
		for p in $names; do
			[ -s $seen/$p/25 ] || broken "step $1: no $p"
		done
		[ -x /var/sys/current-system/bin/less ] || broken "step $1: no less"
		;;
	esac
	# The second versions are beside the first, in a side world.
	[ $(($1 % 4)) != 2 ] ||
		[ "$(find $generation/worlds -path '*/only2/power*' -printf '%f\n' | sort -u | wc -l)" = 12 ] ||
		broken "step $1: not version 2"
	$MV -V >verify 2>&1 || broken "verify: $(head -n 5 verify)"
	[ ! -s verify ] || broken "verify: $(head -n 5 verify)"
}
