//! The tool as a program of its own.

#![no_main]

dpkg_ng::program!(dpkg_ng::dpkg_query);
