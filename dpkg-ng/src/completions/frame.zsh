# zsh completion for dpkg-ng and its tools; made by "dpkg-ng --completions zsh".

_dpkg_ng_add() {
    local kind ret=1
    local -a found
    for kind; do
        case $kind in
        (file) _files && ret=0 ;;
        (directory) _files -/ && ret=0 ;;
        (deb) _files -g '*.deb(-.)' && ret=0 ;;
        (package)
            found=(${(f)"$(dpkg-query -W -f '${Package}\n' 2>/dev/null)"})
            _wanted packages expl package compadd -a found && ret=0
            ;;
        (architecture)
            found=(${(f)"$(dpkg --print-architecture 2>/dev/null; dpkg --print-foreign-architectures 2>/dev/null)"})
            _wanted architectures expl architecture compadd -a found && ret=0
            ;;
        (alternative)
            found=(${${(f)"$(update-alternatives --get-selections 2>/dev/null)"}%% *})
            _wanted alternatives expl alternative compadd -a found && ret=0
            ;;
        esac
    done
    return ret
}

# What the plugin says of its own command.
_dpkg_ng_plugin() {
    local -a found
    found=(${${${(f)"$(dpkg-ng complete $((CURRENT - 2)) -- "${(@)words[2,CURRENT]}" 2>/dev/null)"}//:/\\:}/$'\t'/:})
    ((${#found})) && { _describe command found; return }
    _default
}

_dpkg_ng() {
    local tool=$service expl
    if [[ $tool == dpkg-ng ]]; then
        tool=dpkg
        if ((CURRENT == 2)); then
            _describe -o option _dpkg_ng_own
            _wanted tools expl tool compadd -a _dpkg_ng_tools
            _wanted commands expl command compadd -a _dpkg_ng_own_commands -a _dpkg_ng_plugins
            [[ $words[2] == -* ]] || return
        elif [[ $words[2] == --completions ]]; then
            ((CURRENT == 3)) && _wanted shells expl shell compadd bash fish zsh
            ((CURRENT > 3)) && _wanted tools expl tool compadd dpkg-ng $_dpkg_ng_tools
            return
        elif ((${_dpkg_ng_plugins[(Ie)$words[2]]})); then
            _dpkg_ng_plugin
            return
        elif ((${_dpkg_ng_tools[(Ie)$words[2]]} || ${_dpkg_ng_own_commands[(Ie)$words[2]]})); then
            tool=$words[2]
            shift words
            ((CURRENT--))
        fi
    fi
    _dpkg_ng_${tool//-/_}
}

if [[ $funcstack[1] == _dpkg[-_]ng ]]; then
    _dpkg_ng "$@"
else
    compdef _dpkg_ng $_dpkg_ng_commands
fi
