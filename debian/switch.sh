# README.source explains. FILE is a name by which the package dpkg knows a program, PLACE where that
# physically is, ASIDE the name it is diverted to; all below $DPKG_ROOT. OURS is a link to a program of
# dpkg-ng.
package=dpkg-ng-as-dpkg

# dpkg-ng may be gone by force, or some of it, and with it what the link at this tool's name leads to.
working() {
	if "$1" --version >/dev/null 2>&1; then echo "$1"; else echo "$1.distrib"; fi
}

divert() {
	"$(working dpkg-divert)" --quiet "$@"
}

# /bin and /sbin are other names of the directories below /usr.
place_of() {
	case "$1" in
	/bin/* | /sbin/*) [ ! -L "$DPKG_ROOT${1%/*}" ] || printf /usr ;;
	esac
	echo "$1"
}

# Two names of one place are diverted to two places.
aside_of() {
	case "$1" in
	/bin/* | /sbin/*) echo "$1.distrib-aliased" ;;
	*) echo "$1.distrib" ;;
	esac
}

# What links of ours at PLACE lead to: the program that is this tool alone, the one that is all.
targets_of() {
	local usr=../usr

	case "$1" in
	/usr/libexec/dpkg/*) usr=../.. ;;
	/usr/*) usr=.. ;;
	esac
	echo "$usr/lib/dpkg-ng/tools/${1##*/}"
	echo "$usr/bin/dpkg-ng"
}

# The first of them that is there.
ours_at() {
	local target

	for target in $(targets_of "$1"); do
		[ ! -e "$DPKG_ROOT${1%/*}/$target" ] || break
	done
	echo "$target"
}

is_ours() {
	[ -L "$DPKG_ROOT$1" ] && targets_of "$1" | grep -qFx "$(readlink "$DPKG_ROOT$1")"
}

stock_files() {
	"$(working dpkg-query)" --listfiles dpkg | grep -E '^(/usr)?/(s?bin|libexec/dpkg)/[^/]+$'
}

# FILE and ASIDE of each diversion of ours, a line each, aliased names first.
diversions() {
	local list

	list=$(LC_ALL=C divert --list "$package")
	echo "$list" | sed -n "s/^diversion of \(.*\) to \(.*\) by $package\$/\1 \2/p" | sort
}

add_diversion() {
	divert --package "$package" --no-rename --divert "$(aside_of "$1")" --add "$1"
}

take_over() {
	local tools file files= known place places=

	tools=$("$DPKG_ROOT/usr/bin/dpkg-ng" --tools)
	known=$(diversions)
	for file in $(stock_files); do
		echo "$tools" | grep -qFx "${file##*/}" || continue
		place=$(place_of "$file")
		if [ -e "$DPKG_ROOT$(aside_of "$file")" ] && ! is_ours "$place" &&
			! echo "$known" | grep -q "^$file "; then
			echo "$package: $(aside_of "$file") is in the way" >&2
			return 1
		fi
		files="$files $file"
		places="$places $place"
	done
	for file in $files; do
		place=$(place_of "$file")
		add_diversion "$file"
		# dpkg's next version may bring it by this name.
		[ "$file" = "$place" ] || add_diversion "$place"
		[ -e "$DPKG_ROOT$(aside_of "$file")" ] || is_ours "$place" ||
			ln "$DPKG_ROOT$place" "$DPKG_ROOT$(aside_of "$file")"
	done
	for place in $places; do
		[ "$(readlink "$DPKG_ROOT$place")" != "$(ours_at "$place")" ] || continue
		ln -sfT "$(ours_at "$place")" "$DPKG_ROOT$place.dpkg-ng-new"
		mv -fT "$DPKG_ROOT$place.dpkg-ng-new" "$DPKG_ROOT$place"
	done
	# What an earlier version of dpkg-ng answered for.
	give_back "$places "
}

# Undoes it all, but for the places given.
give_back() {
	local keep="$1" known file aside place mine=

	known=$(diversions)
	mine=$(echo "$known" | while read -r file aside; do
		case "$keep" in
		*" $(place_of "$file") "*) ;;
		*) echo "$file $aside $(place_of "$file")" ;;
		esac
	done)
	[ -n "$known" ] && [ -n "$mine" ] || return 0
	echo "$mine" | while read -r file aside place; do
		rm -f "$DPKG_ROOT$place.dpkg-ng-new"
		# mv refuses two names of one file, which an interrupted take_over leaves.
		if [ "$DPKG_ROOT$aside" -ef "$DPKG_ROOT$place" ]; then
			rm -f "$DPKG_ROOT$aside"
		elif [ -e "$DPKG_ROOT$aside" ]; then
			mv -fT "$DPKG_ROOT$aside" "$DPKG_ROOT$place"
		fi
	done
	# Still ours: dpkg has no such program any more, or somebody took it away.
	known=$(stock_files)
	echo "$mine" | while read -r file aside place; do
		is_ours "$place" || continue
		if echo "$known" | grep -qFx "$file"; then
			echo "$package: there is no $aside to put back; install the package dpkg again" >&2
			exit 1
		fi
		rm -f "$DPKG_ROOT$place"
	done
	# A diversion must not leave the disk before its file has come back.
	echo "$mine" | while read -r file aside place; do
		echo "$DPKG_ROOT${place%/*}"
	done | sort -u | while read -r dir; do sync "$dir"; done
	echo "$mine" | while read -r file aside place; do
		divert --package "$package" --no-rename --divert "$aside" --remove "$file"
	done
}
