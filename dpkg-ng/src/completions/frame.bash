# bash completion for dpkg-ng and its tools; made by "dpkg-ng --completions bash".

# Adds what begins with $2 and is of kind $1.
_dpkg_ng_add() {
    local IFS=$'\n'
    case $1 in
    file) compopt -o filenames 2>/dev/null; COMPREPLY+=($(compgen -f -- "$2")) ;;
    directory) compopt -o filenames 2>/dev/null; COMPREPLY+=($(compgen -d -- "$2")) ;;
    deb)
        compopt -o filenames 2>/dev/null
        COMPREPLY+=($(compgen -f -X '!*.deb' -- "$2") $(compgen -d -- "$2"))
        ;;
    package) COMPREPLY+=($(compgen -W "$(dpkg-query -W -f '${Package}\n' 2>/dev/null)" -- "$2")) ;;
    architecture)
        COMPREPLY+=($(compgen -W "$(dpkg --print-architecture 2>/dev/null
            dpkg --print-foreign-architectures 2>/dev/null)" -- "$2"))
        ;;
    alternative)
        COMPREPLY+=($(compgen -W "$(update-alternatives --get-selections 2>/dev/null |
            while IFS=$' \t' read -r name _; do echo "$name"; done)" -- "$2"))
        ;;
    words:*)
        local words=${1#words:}
        COMPREPLY+=($(compgen -W "${words//:/$'\n'}" -- "$2"))
        ;;
    esac
}

_dpkg_ng_add_all() {
    local kind
    for kind in $_dpkg_ng_kinds; do
        _dpkg_ng_add "$kind" "$1"
    done
}

_dpkg_ng() {
    local tool=${1##*/} cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]}
    local first=1 word options _dpkg_ng_kinds=
    COMPREPLY=()
    if [[ $tool == dpkg-ng ]]; then
        if ((COMP_CWORD == 1)); then
            COMPREPLY=($(compgen -W "$_dpkg_ng_tools $_dpkg_ng_own" -- "$cur"))
            [[ $cur == -* ]] || return 0
        elif [[ ${COMP_WORDS[1]} == --completions ]]; then
            ((COMP_CWORD == 2)) && COMPREPLY=($(compgen -W 'bash fish zsh' -- "$cur"))
            ((COMP_CWORD > 2)) && COMPREPLY=($(compgen -W "dpkg-ng $_dpkg_ng_tools" -- "$cur"))
            return 0
        fi
        tool=dpkg
        for word in $_dpkg_ng_tools; do
            [[ ${COMP_WORDS[1]} == "$word" ]] && tool=$word first=2
        done
    fi
    tool=_dpkg_ng_${tool//-/_}

    # "--option=value" is three words to bash.
    if [[ $cur == = ]]; then
        cur=
    elif [[ $prev == = ]]; then
        prev=${COMP_WORDS[COMP_CWORD - 2]}
    fi
    if [[ ${1##*/} == dpkg-ng && $prev == --plugin ]]; then
        _dpkg_ng_add file "$cur"
        return 0
    fi
    if "${tool}_value" "$prev"; then
        _dpkg_ng_add_all "$cur"
        return 0
    fi
    if [[ $cur == -* ]]; then
        options=${tool}_options
        COMPREPLY+=($(compgen -W "${!options}" -- "$cur"))
        [[ ${#COMPREPLY[@]} == 1 && ${COMPREPLY[0]} == *= ]] && compopt -o nospace 2>/dev/null
        return 0
    fi
    "${tool}_operand" ''
    for word in "${COMP_WORDS[@]:first:COMP_CWORD - first}"; do
        "${tool}_operand" "${word:-.}"
    done
    _dpkg_ng_add_all "$cur"
}
