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

# What the plugin says of its own command; of "--option=value" bash wants the value alone.
_dpkg_ng_plugin() {
    local -a words=("${COMP_WORDS[@]:1:COMP_CWORD}")
    local at=$((COMP_CWORD - 1)) IFS=$'\n' cut=
    if [[ ${words[at]} == = ]]; then
        words[at - 1]+==
        cut=${words[at - 1]} at=$((at - 1))
    elif ((at > 1)) && [[ ${words[at - 1]} == = ]]; then
        cut=${words[at - 2]}=
        words[at - 2]+==${words[at]} at=$((at - 2))
    fi
    COMPREPLY=($(dpkg-ng complete "$at" -- "${words[@]:0:at + 1}" 2>/dev/null))
    COMPREPLY=("${COMPREPLY[@]%%$'\t'*}")
    COMPREPLY=("${COMPREPLY[@]#"$cut"}")
    [[ ${#COMPREPLY[@]} == 0 ]] && compopt -o default 2>/dev/null
    return 0
}

_dpkg_ng() {
    local tool=${1##*/} cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]}
    local first=1 word options _dpkg_ng_kinds=
    COMPREPLY=()
    if [[ $tool == dpkg-ng ]]; then
        if ((COMP_CWORD == 1)); then
            COMPREPLY=($(compgen -W "$_dpkg_ng_tools $_dpkg_ng_own_commands $_dpkg_ng_plugins $_dpkg_ng_own" -- "$cur"))
            [[ $cur == -* ]] || return 0
        elif [[ ${COMP_WORDS[1]} == --completions ]]; then
            ((COMP_CWORD == 2)) && COMPREPLY=($(compgen -W 'bash fish zsh' -- "$cur"))
            ((COMP_CWORD > 2)) && COMPREPLY=($(compgen -W "dpkg-ng $_dpkg_ng_tools" -- "$cur"))
            return 0
        fi
        # Of a plugin's commands the plugin itself tells.
        for word in $_dpkg_ng_plugins; do
            if ((COMP_CWORD > 1)) && [[ ${COMP_WORDS[1]} == "$word" ]]; then
                _dpkg_ng_plugin
                return 0
            fi
        done
        tool=dpkg
        for word in $_dpkg_ng_tools $_dpkg_ng_own_commands; do
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
