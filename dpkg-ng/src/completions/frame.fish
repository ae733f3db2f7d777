# fish completion for dpkg-ng and its tools; made by "dpkg-ng --completions fish".

function __dpkg_ng_packages
    dpkg-query -W -f '${Package}\n' 2>/dev/null
end

function __dpkg_ng_architectures
    dpkg --print-architecture 2>/dev/null
    dpkg --print-foreign-architectures 2>/dev/null
end

function __dpkg_ng_alternatives
    update-alternatives --get-selections 2>/dev/null | string replace -r '\s.*' ''
end

function __dpkg_ng_first
    test (count (commandline -opc)) -eq 1
end

function __dpkg_ng_has_tool
    set -l words (commandline -opc)
    test (count $words) -ge 2; and contains -- $words[2] $__dpkg_ng_tools
end

function __dpkg_ng_completes
    set -l words (commandline -opc)
    test (count $words) -eq 2; and test $words[2] = --completions
end

function __dpkg_ng_has_plugin
    set -l words (commandline -opc)
    test (count $words) -ge 2; and contains -- $words[2] $__dpkg_ng_plugins
end

# What the plugin says of its own command.
function __dpkg_ng_plugin
    set -l words (commandline -opc)
    dpkg-ng complete (math (count $words) - 1) -- $words[2..-1] (commandline -ct) 2>/dev/null
end

function __dpkg_ng_is
    set -l words (commandline -opc)
    test (count $words) -ge 2; and contains -- $words[2] $argv
end

function __dpkg_ng_is_dpkg
    not __dpkg_ng_has_tool; and not __dpkg_ng_is $__dpkg_ng_own_commands; and not __dpkg_ng_has_plugin; and not __dpkg_ng_completes
end

# What the tool named first would be completed with.
function __dpkg_ng_delegate
    set -l words (commandline -opc)
    complete -C (string join ' ' -- (string escape -- $words[2..-1]) (commandline -ct))
end

