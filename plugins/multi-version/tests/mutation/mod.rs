//! Mutating ELF files, and what must hold of whatever comes out.

use dpkgng_multi_version::elf::{
    self, DynamicInfo, Image, Outcome, PathTag, Tier, Undo, View, Wish, notes, sonames, symbols,
};

/// xorshift64*: the same numbers every time for one seed.
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Random {
        Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    pub fn below(&mut self, end: usize) -> usize {
        (self.next() % end.max(1) as u64) as usize
    }
}

/// Numbers that break arithmetic.
const ODD: [u64; 14] = [
    0,
    1,
    3,
    8,
    0xfff,
    0x1000,
    0xffff,
    0x7fff_ffff,
    0x8000_0000,
    0xffff_ffff,
    0x7fff_ffff_ffff_ffff,
    0x8000_0000_0000_0000,
    u64::MAX - 7,
    u64::MAX,
];

/// A few changes where they hurt: ELF header, program headers, dynamic table, section headers, or anywhere;
/// sometimes a shorter or longer file.
pub fn mutate(random: &mut Random, seed: &[u8]) -> Vec<u8> {
    let mut bytes = seed.to_vec();
    let mut places = vec![(0, 64), (0, bytes.len())];
    if let Ok(image) = Image::read(View::of(seed)) {
        let at = image.phoff as usize;
        places.extend(vec![(at, image.segments.len() * 56); 4]);
        if let Some(dynamic) = &image.dynamic {
            places.extend(vec![
                (
                    dynamic.offset as usize,
                    dynamic.entries.len() * 16 + 32
                );
                3
            ]);
        }
        places.push((image.shoff as usize, image.sections.len() * 64));
        places.push((at + image.segments.len() * 56, 2048));
    }
    for _ in 0..=random.below(4) {
        let (start, len) = places[random.below(places.len())];
        let at = start + random.below(len);
        match random.below(8) {
            0 | 1 => {
                let bit = 1 << random.below(8);
                bytes.get_mut(at).into_iter().for_each(|b| *b ^= bit);
            }
            2..=4 => {
                let at = at & !7;
                let odd = ODD[random.below(ODD.len())].to_le_bytes();
                if let Some(place) = bytes.get_mut(at..at + 8) {
                    place.copy_from_slice(&odd);
                }
            }
            5 => {
                let at = at & !3;
                let odd = ODD[random.below(10)] as u32;
                if let Some(place) = bytes.get_mut(at..at + 4) {
                    place.copy_from_slice(&odd.to_le_bytes());
                }
            }
            6 => {
                // One record over another: headers and entries twice, or in another order.
                let from = start + random.below(len);
                let span = [8, 16, 56, 64][random.below(4)];
                if let Some(copy) = bytes.get(from..from + span).map(<[u8]>::to_vec)
                    && let Some(place) = bytes.get_mut(at..at + span)
                {
                    place.copy_from_slice(&copy);
                }
            }
            _ => {
                let len = match random.below(3) {
                    0 => random.below(bytes.len()),
                    1 => bytes.len() + random.below(64),
                    _ => bytes.len(),
                };
                bytes.resize(len, 0x55);
            }
        }
    }
    bytes
}

/// Wishes that take every way there is: a short one, a long one, one with needs, one with DT_RPATH.
fn wishes() -> [Wish; 3] {
    let long = vec![b'x'; 3000];
    let text = |t: &str| t.as_bytes().to_vec();
    [
        Wish {
            interpreter: Some(text("/i/lib/ld.so")),
            path: vec![text("/i/lib"), text("/c/lib")],
            reroot: vec![text("/i")],
            ..Wish::default()
        },
        Wish {
            interpreter: Some([b"/", &long[..]].concat()),
            path: vec![[b"/", &long[..]].concat()],
            ..Wish::default()
        },
        Wish {
            interpreter: Some(text("/var/sys/inst/foo_1_amd64-0/lib/ld-linux.so.2")),
            path: vec![text("/var/sys/inst/foo_1_amd64-0/lib")],
            needed: (0..9).map(|n| format!("libextra{n}.so.1").into()).collect(),
            tag: PathTag::Rpath,
            ..Wish::default()
        },
    ]
}

/// Reads and rewrites; says whether something was rewritten, or what is wrong with it.
pub fn try_all(bytes: &[u8]) -> Result<bool, String> {
    if let Ok(image) = Image::read(View::of(bytes)) {
        let _ = DynamicInfo::of(&image);
        let _ = symbols::imports(&image);
        let _ = symbols::exports(&image);
        let _ = symbols::version_needs(&image);
        let _ = symbols::version_definitions(&image);
        let _ = notes::dlopens(&image);
        let _ = notes::build_id(&image);
        let _ = sonames::mentioned(&image);
    }
    let mut edited = false;
    for wish in wishes() {
        let Outcome::Edit(tier, edit) = elf::rewrite(bytes, &wish) else {
            continue;
        };
        edited = true;
        // Strings, a page to start on, and a string table's copy, behind a hole of some size: never what a file's
        // numbers ask for.
        let hole = match tier {
            Tier::Lifted => 1 << 26,
            _ => 0,
        };
        if edit.len > 2 * bytes.len() as u64 + 0x2_0000 + hole {
            return Err(format!("{tier:?} grows the file to {}", edit.len));
        }
        let out = edit.apply(bytes);
        elf::check(&out).map_err(|fault| format!("{tier:?} gave a faulty file: {fault}"))?;
        let undo = Undo::decode(&edit.undo.encode());
        if undo.and_then(|u| u.restore(&out)).as_deref() != Ok(bytes) {
            return Err(format!("{tier:?} cannot be undone"));
        }
        let view = edit.view(bytes);
        if view.bytes(0, view.len()).as_deref() != Some(&out[..]) {
            return Err("the view differs from the file".to_owned());
        }
    }
    Ok(edited)
}
