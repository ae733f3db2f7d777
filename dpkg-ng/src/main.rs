//! All tools in one program.

#![no_main]

dpkg_ng::program!(dpkg_ng::dpkg_ng);
