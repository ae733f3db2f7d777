# What shell scripts around dpkg tell their users, and how. To be sourced:
#
#   . /usr/share/dpkg/sh/dpkg-error.sh
#
# PROGNAME is the name that messages begin with; unless it is set before, that of the script.
# DPKG_COLORS says whether they are coloured: auto (when standard output is a terminal, and what
# is meant when it is not set), always, or anything else for never.
#
# Names that begin with _dpkg_ are not for others to use.
#
# shellcheck shell=sh

: "${PROGNAME:=$(basename "$0")}"

# For scripts that colour more than these functions do.
COLOR_NORMAL=''
COLOR_RESET='[0m'
COLOR_BOLD='[1m'
COLOR_BLACK='[30m'
COLOR_BOLD_BLACK='[1;30m'
COLOR_RED='[31m'
COLOR_BOLD_RED='[1;31m'
COLOR_GREEN='[32m'
COLOR_BOLD_GREEN='[1;32m'
COLOR_YELLOW='[33m'
COLOR_BOLD_YELLOW='[1;33m'
COLOR_BLUE='[34m'
COLOR_BOLD_BLUE='[1;34m'
COLOR_MAGENTA='[35m'
COLOR_BOLD_MAGENTA='[1;35m'
COLOR_CYAN='[36m'
COLOR_BOLD_CYAN='[1;36m'
COLOR_WHITE='[37m'
COLOR_BOLD_WHITE='[1;37m'

: "${DPKG_COLORS=auto}"

_dpkg_use_colors=no
if [ "$DPKG_COLORS" = always ] || { [ "$DPKG_COLORS" = auto ] && [ -t 1 ]; }; then
    _dpkg_use_colors=yes
    _dpkg_color_clear=$COLOR_RESET
    _dpkg_color_prog=$COLOR_BOLD
    _dpkg_color_hint=$COLOR_BOLD_BLUE
    _dpkg_color_info=$COLOR_GREEN
    _dpkg_color_notice=$COLOR_YELLOW
    _dpkg_color_warn=$COLOR_BOLD_YELLOW
    _dpkg_color_error=$COLOR_BOLD_RED
else
    _dpkg_color_clear=
fi
_dpkg_fmt_prog=$_dpkg_color_prog$PROGNAME$_dpkg_color_clear

# _dpkg_tell COLOUR KIND TEXT...: one line with its kind in front.
_dpkg_tell() {
    _dpkg_kind=$1$2$_dpkg_color_clear
    shift 2
    echo "$_dpkg_fmt_prog: $_dpkg_kind: $*"
}

# Since 1.20.1; does nothing since 1.22.12, as colours are there from the start.
setup_colors() {
    :
}

# To standard error, when DPKG_DEBUG is not empty. Since 1.20.1.
debug() {
    if [ -n "$DPKG_DEBUG" ]; then
        echo "$_dpkg_fmt_prog: debug: $*" >&2
    fi
}

# To standard error, and exit with 1. Since 1.20.1.
error() {
    _dpkg_tell "$_dpkg_color_error" error "$@" >&2
    exit 1
}

# To standard error. Since 1.20.1.
warning() {
    _dpkg_tell "$_dpkg_color_warn" warning "$@" >&2
}

# To standard output. Since 1.22.14.
notice() {
    _dpkg_tell "$_dpkg_color_notice" notice "$@"
}

# To standard output. Since 1.22.14.
info() {
    _dpkg_tell "$_dpkg_color_info" info "$@"
}

# To standard output. Since 1.22.14.
hint() {
    _dpkg_tell "$_dpkg_color_hint" hint "$@"
}

# To standard error, with a pointer to --help, and exit with 1. Takes one argument.
# Since 1.20.1.
badusage() {
    _dpkg_tell "$_dpkg_color_error" error "$1" >&2
    echo >&2
    echo "Use '$PROGNAME --help' for program usage information." >&2
    exit 1
}
