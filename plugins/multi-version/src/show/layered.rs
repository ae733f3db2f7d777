//! A layered layout, left to right: who uses stands left of what is used (Sugiyama, Tagawa and Toda 1981).
//!
//! Circles are opened by turning an edge round; long edges get a bend in each layer they pass, which those to the same
//! end may share, so that they run as one; layers are ordered by the mean of their neighbours' places, back and forth; heights are the nearest to the neighbours' that keep order
//! and distance.

use std::collections::BTreeMap;

/// A graph to be laid out.
pub(super) struct Plain<'a> {
    /// The height of each node.
    pub(super) heights: &'a [f64],
    /// From, to, and whether it may run with others that do to the same end.
    pub(super) edges: &'a [(usize, usize, bool)],
}

/// Where everything is.
pub(super) struct Laid {
    /// Of each node: its layer, and the middle of its height.
    pub(super) nodes: Vec<(usize, f64)>,
    /// Of each edge: layer and height of every bend on its way.
    pub(super) bends: Vec<Vec<(usize, f64)>>,
    /// The height of it all.
    pub(super) height: f64,
}

/// Between two things of a layer.
const GAP: f64 = 6.0;
/// What a passing edge takes.
const BEND: f64 = 3.0;
const SWEEPS: usize = 24;

/// Lay out.
pub(super) fn lay_out(graph: &Plain<'_>) -> Laid {
    let forward = without_circles(graph);
    let layers_of = layers(graph.heights.len(), &forward);
    let shared: Vec<bool> = graph.edges.iter().map(|(_, _, shared)| *shared).collect();
    let mut net = Net::new(graph.heights, &layers_of, &forward, &shared);
    net.order();
    net.place();
    let node = |n: usize| {
        (
            net.layer.get(n).copied().unwrap_or(0),
            net.y.get(n).copied().unwrap_or(0.0),
        )
    };
    let bends = net
        .chains
        .iter()
        .map(|chain| chain.iter().map(|n| node(*n)).collect());
    let bottom = |n: usize| node(n).1 + net.heights.get(n).copied().unwrap_or(0.0) / 2.0;
    Laid {
        nodes: (0..graph.heights.len()).map(node).collect(),
        bends: bends.collect(),
        height: (0..net.y.len()).map(bottom).fold(0.0, f64::max),
    }
}

/// The edges, those that close a circle turned round.
fn without_circles(graph: &Plain<'_>) -> Vec<(usize, usize)> {
    let count = graph.heights.len();
    let mut next: Vec<Vec<usize>> = vec![Vec::new(); count];
    for (from, to, _) in graph.edges {
        if let Some(next) = next.get_mut(*from) {
            next.push(*to);
        }
    }
    // The place of each in the order of depth-first search's ends: an edge that goes up in it closes a circle.
    let mut end = vec![usize::MAX; count];
    let mut seen = vec![false; count];
    let mut ended = 0;
    let mut has_user = vec![false; count];
    graph
        .edges
        .iter()
        .for_each(|(_, to, _)| has_user[*to] = true);
    let roots = (0..count).filter(|n| !has_user[*n]);
    for root in roots.chain(0..count).collect::<Vec<_>>() {
        let mut path = vec![(root, 0)];
        if std::mem::replace(&mut seen[root], true) {
            continue;
        }
        while let Some((node, at)) = path.last_mut() {
            let to = next[*node].get(*at).copied();
            *at += 1;
            match to {
                Some(to) if !seen[to] => {
                    seen[to] = true;
                    path.push((to, 0));
                }
                Some(_) => {}
                None => {
                    end[*node] = ended;
                    ended += 1;
                    path.pop();
                }
            }
        }
    }
    let turn = |(from, to, _): &(usize, usize, bool)| match end[*from] < end[*to] {
        true => (*to, *from),
        false => (*from, *to),
    };
    graph.edges.iter().map(turn).collect()
}

/// The longest way to each node from one that nobody uses; then what has room moves to the right, to what it uses.
fn layers(count: usize, edges: &[(usize, usize)]) -> Vec<usize> {
    let mut layer: Vec<usize> = vec![0; count];
    let mut changed = true;
    while changed {
        changed = false;
        for (from, to) in edges {
            if from != to && layer[*to] < layer[*from] + 1 {
                layer[*to] = layer[*from] + 1;
                changed = true;
            }
        }
    }
    let used: Vec<bool> = (0..count)
        .map(|n| edges.iter().any(|(_, to)| *to == n))
        .collect();
    for node in 0..count {
        let nearest = edges
            .iter()
            .filter(|(from, to)| *from == node && from != to);
        if let (false, Some(nearest)) = (used[node], nearest.map(|(_, to)| layer[*to]).min()) {
            layer[node] = nearest.saturating_sub(1);
        }
    }
    layer
}

/// Nodes and bends, in layers.
struct Net {
    layer: Vec<usize>,
    heights: Vec<f64>,
    y: Vec<f64>,
    before: Vec<Vec<usize>>,
    after: Vec<Vec<usize>>,
    rows: Vec<Vec<usize>>,
    /// Of each edge, in its own direction before it was turned: its bends.
    chains: Vec<Vec<usize>>,
}

impl Net {
    fn new(heights: &[f64], layers: &[usize], edges: &[(usize, usize)], shared: &[bool]) -> Net {
        let mut net = Net {
            layer: layers.to_vec(),
            heights: heights.to_vec(),
            y: Vec::new(),
            before: vec![Vec::new(); heights.len()],
            after: vec![Vec::new(); heights.len()],
            rows: Vec::new(),
            chains: Vec::new(),
        };
        let mut trunks = BTreeMap::new();
        for ((from, to), shared) in edges.iter().zip(shared) {
            let mut chain = Vec::new();
            let mut last = *from;
            for layer in net.layer[*from] + 1..net.layer[*to] {
                let trunk = trunks.get(&(*to, layer)).copied().filter(|_| *shared);
                let bend = trunk.unwrap_or_else(|| net.bend(layer));
                if *shared {
                    trunks.insert((*to, layer), bend);
                }
                net.join(last, bend);
                chain.push(bend);
                last = bend;
            }
            if from != to {
                net.join(last, *to);
            }
            net.chains.push(chain);
        }
        let deepest = net.layer.iter().max().copied().unwrap_or(0);
        net.rows = vec![Vec::new(); deepest + 1];
        for (node, layer) in net.layer.iter().enumerate() {
            net.rows[*layer].push(node);
        }
        net
    }

    fn bend(&mut self, layer: usize) -> usize {
        self.layer.push(layer);
        self.heights.push(BEND);
        self.before.push(Vec::new());
        self.after.push(Vec::new());
        self.layer.len() - 1
    }

    fn join(&mut self, from: usize, to: usize) {
        if !self.after[from].contains(&to) {
            self.after[from].push(to);
            self.before[to].push(from);
        }
    }

    /// Order the layers so that few edges cross.
    fn order(&mut self) {
        let mut place = vec![0.0; self.layer.len()];
        let mut best = (usize::MAX, self.rows.clone());
        for sweep in 0..SWEEPS {
            let down = sweep % 2 == 0;
            let count = self.rows.len();
            for step in 0..count {
                let at = if down { step } else { count - 1 - step };
                let sides = if down { &self.before } else { &self.after };
                let mut row = std::mem::take(&mut self.rows[at]);
                let mean = |node: usize| match sides[node].len() {
                    0 => place[node],
                    n => sides[node].iter().map(|s| place[*s]).sum::<f64>() / n as f64,
                };
                let mut keyed: Vec<(f64, usize)> = row.iter().map(|n| (mean(*n), *n)).collect();
                keyed.sort_by(|a, b| a.0.total_cmp(&b.0));
                row = keyed.into_iter().map(|(_, n)| n).collect();
                let length = row.len().max(1) as f64;
                for (nth, node) in row.iter().enumerate() {
                    place[*node] = (nth as f64 + 0.5) / length;
                }
                self.rows[at] = row;
            }
            let crossings = self.crossings();
            if crossings < best.0 {
                best = (crossings, self.rows.clone());
            }
        }
        self.rows = best.1;
    }

    fn crossings(&self) -> usize {
        let mut place = vec![0; self.layer.len()];
        for row in &self.rows {
            row.iter()
                .enumerate()
                .for_each(|(nth, node)| place[*node] = nth);
        }
        let mut crossings = 0;
        for row in &self.rows {
            // Inversions of the ends, in order of the beginnings.
            let mut ends = Vec::new();
            for node in row {
                let mut of: Vec<usize> = self.after[*node].iter().map(|a| place[*a]).collect();
                of.sort_unstable();
                ends.extend(of);
            }
            crossings += inversions(&mut ends);
        }
        crossings
    }

    /// Give each its height.
    fn place(&mut self) {
        self.y = vec![0.0; self.layer.len()];
        for row in &self.rows {
            let mut at = 0.0;
            for node in row {
                self.y[*node] = at + self.heights[*node] / 2.0;
                at += self.heights[*node] + GAP;
            }
        }
        for sweep in 0..SWEEPS {
            for step in 0..self.rows.len() {
                let at = match sweep % 2 == 0 {
                    true => step,
                    false => self.rows.len() - 1 - step,
                };
                self.settle(at);
            }
        }
        let top = |n: usize| self.y[n] - self.heights[n] / 2.0;
        let highest = (0..self.y.len()).map(top).fold(f64::INFINITY, f64::min);
        if highest.is_finite() {
            self.y.iter_mut().for_each(|y| *y -= highest);
        }
    }

    /// Move a layer to where its neighbours would have it, keeping order and distance: what is too near
    /// becomes one block at the mean of its wishes (pool adjacent violators).
    fn settle(&mut self, at: usize) {
        // A block: sum of wishes, members, and the offset of the first in the layer.
        let mut blocks: Vec<(f64, f64)> = Vec::new();
        let mut offset = 0.0;
        let mut offsets = Vec::new();
        for node in &self.rows[at] {
            let near = self.before[*node].iter().chain(&self.after[*node]);
            let (sum, count) = near.fold((0.0, 0.0), |(s, c), n| (s + self.y[*n], c + 1.0));
            let wish = if count > 0.0 {
                sum / count
            } else {
                self.y[*node]
            };
            offset += self.heights[*node] / 2.0;
            offsets.push(offset);
            blocks.push((wish - offset, 1.0));
            offset += self.heights[*node] / 2.0 + GAP;
            while let [.., (a, n), (b, m)] = blocks[..] {
                if a / n <= b / m {
                    break;
                }
                blocks.truncate(blocks.len() - 2);
                blocks.push((a + b, n + m));
            }
        }
        let base = blocks
            .iter()
            .flat_map(|(sum, n)| std::iter::repeat_n(sum / n, *n as usize));
        for ((node, base), offset) in self.rows[at].iter().zip(base).zip(offsets) {
            self.y[*node] = base + offset;
        }
    }
}

/// How many pairs stand the wrong way round; sorts them.
fn inversions(list: &mut [usize]) -> usize {
    let middle = list.len() / 2;
    if middle == 0 {
        return 0;
    }
    let (left, right) = list.split_at_mut(middle);
    let mut count = inversions(left) + inversions(right);
    let (mut l, mut merged) = (0, Vec::with_capacity(left.len() + right.len()));
    for r in right.iter() {
        while left.get(l).is_some_and(|v| v <= r) {
            merged.push(left[l]);
            l += 1;
        }
        count += left.len() - l;
        merged.push(*r);
    }
    merged.extend_from_slice(&left[l..]);
    list.copy_from_slice(&merged);
    count
}
