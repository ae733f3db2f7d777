//! Languages and their modules.

use crate::views::scenario::{ON_BOOKWORM, ON_TRIXIE, Scenario, apt, dpkg, says, shell};

/// They all.
pub const ALL: &[Scenario] = &[
    Scenario {
        name: "perl-reinstall",
        steps: &[
            apt("install perl libwww-perl libxml-parser-perl"),
            apt("install --reinstall perl perl-modules-5.36 libperl5.36 perl-base"),
            apt("install --reinstall libxml-parser-perl"),
        ],
        programs: &[says(
            "perl -MXML::Parser -MLWP -e 'print \"$LWP::VERSION $XML::Parser::VERSION\\n\"'",
            &["6."],
        )],
        ..ON_BOOKWORM
    },
    Scenario {
        name: "python3-yaml",
        steps: &[
            apt("install python3-yaml python3-six"),
            apt("remove python3-yaml"),
            apt("install python3-yaml"),
            dpkg("-r python3-yaml"),
            apt("purge python3-yaml python3-six"),
            apt("autoremove --purge"),
        ],
        programs: &[says(
            "ls /usr/lib/python3/dist-packages 2>&1",
            &["No such file"],
        )],
        ..ON_BOOKWORM
    },
    Scenario {
        name: "trixie-python",
        steps: &[
            apt("install python3-yaml python3-numpy python3-venv"),
            apt("remove python3-venv"),
        ],
        programs: &[says(
            "python3 -c 'import numpy, yaml; print(yaml.dump([int(numpy.arange(7).sum())]))'",
            &["- 21"],
        )],
        ..ON_TRIXIE
    },
    Scenario {
        name: "php",
        steps: &[
            apt("install php-cli php-mbstring php-xml"),
            shell("phpdismod mbstring"),
            apt("install php-fpm"),
            apt("purge php8.2-xml"),
        ],
        programs: &[
            says(
                "php -r 'echo PHP_VERSION, \"\\n\"; var_dump(function_exists(\"mb_strlen\"));'",
                &["8.2", "false"],
            ),
            says("php-fpm8.2 -t 2>&1 | sed 's/^[^]]*] //'", &["successful"]),
        ],
        ..ON_BOOKWORM
    },
    Scenario {
        name: "ruby",
        steps: &[
            apt("install ruby ruby-nokogiri"),
            apt("remove ruby-nokogiri"),
            apt("install ruby-nokogiri rake"),
        ],
        programs: &[
            says(
                "ruby -rnokogiri -e 'puts Nokogiri::XML(\"<a>b</a>\").text'",
                &["b"],
            ),
            says(
                "gem list --local 2>/dev/null | grep -E 'nokogiri|rake'",
                &["nokogiri"],
            ),
        ],
        ..ON_BOOKWORM
    },
    Scenario {
        name: "node",
        steps: &[apt("install nodejs node-semver"), apt("purge node-semver")],
        programs: &[says(
            "node -e 'console.log(process.version, process.versions.openssl)'",
            &["v18"],
        )],
        ..ON_BOOKWORM
    },
    Scenario {
        name: "java",
        steps: &[
            apt("install default-jre-headless"),
            apt("install --reinstall ca-certificates-java"),
        ],
        programs: &[
            says("java -version 2>&1", &["openjdk version \"17"]),
            says(
                "keytool -list -cacerts -storepass changeit 2>/dev/null | grep -c trustedCertEntry",
                &["1"],
            ),
            says("readlink -f /usr/bin/java", &["/usr/lib/jvm/"]),
        ],
        ..ON_BOOKWORM
    },
    Scenario {
        name: "headers-gcc",
        steps: &[
            apt("install gcc libc6-dev linux-headers-amd64"),
            apt("remove linux-headers-amd64"),
            apt("autoremove"),
        ],
        programs: &[says(
            "cd /tmp && echo 'int puts(const char *); int main(void) { return puts(\"built\") < 0; }' >t.c && gcc -o t t.c && ./t",
            &["built"],
        )],
        ..ON_BOOKWORM
    },
    Scenario {
        name: "trixie-gcc",
        steps: &[
            apt("install g++ make"),
            apt("install --reinstall gcc-14 libc6-dev"),
        ],
        programs: &[says(
            "cd /tmp && printf '#include <iostream>\\nint main() { std::cout << __VERSION__ << std::endl; }' >t.cc && g++ -o t t.cc && ./t",
            &["14."],
        )],
        ..ON_TRIXIE
    },
];
