# Packages of the vendor "dpkg": those of no particular distribution.
Profile: dpkg/main
# All that is checked for Debian,
Extends: debian/main
# but for what only Debian asks for.
Disable-Tags:
 package-uses-vendor-specific-patch-series
