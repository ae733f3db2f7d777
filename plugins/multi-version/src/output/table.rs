//! Tables.

/// How a column is laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Column {
    /// To the left.
    Left,
    /// To the right: numbers.
    Right,
    /// To the left, and cut when the terminal is too narrow.
    Wide,
}

/// A table: a head and rows, two blanks between columns.
#[derive(Debug, Clone)]
pub struct Table {
    columns: Vec<Column>,
    rows: Vec<Vec<String>>,
}

/// A column is not cut further than this.
const NARROWEST: usize = 8;

impl Table {
    /// With these columns and their titles.
    pub fn new(columns: &[(Column, &str)]) -> Table {
        Table {
            columns: columns.iter().map(|(column, _)| *column).collect(),
            rows: vec![columns.iter().map(|(_, title)| title.to_string()).collect()],
        }
    }

    /// Add a row.
    pub fn row<T: ToString>(&mut self, cells: impl IntoIterator<Item = T>) {
        // A cell is of one line, whatever a .deb calls its things.
        let cell = |c: T| c.to_string().replace(|c: char| c.is_control(), "?");
        self.rows.push(cells.into_iter().map(cell).collect());
    }

    /// Whether it has no row but its head.
    pub fn is_empty(&self) -> bool {
        self.rows.len() <= 1
    }

    /// Its lines; in `width` columns, if given.
    pub fn to_text(&self, width: Option<usize>) -> String {
        let widths = self.widths(width);
        let mut text = String::new();
        for row in &self.rows {
            let mut line = String::new();
            for ((cell, column), width) in row.iter().zip(&self.columns).zip(&widths) {
                let cell = cut(cell, *width);
                let fill = " ".repeat(width.saturating_sub(cell.chars().count()));
                match column {
                    Column::Right => line.push_str(&format!("{fill}{cell}  ")),
                    _ => line.push_str(&format!("{cell}{fill}  ")),
                }
            }
            text.push_str(line.trim_end());
            text.push('\n');
        }
        text
    }

    fn widths(&self, width: Option<usize>) -> Vec<usize> {
        let widest = |n| {
            let cells = self.rows.iter().filter_map(|row| row.get(n));
            cells.map(|c: &String| c.chars().count()).max().unwrap_or(0)
        };
        let mut widths: Vec<usize> = (0..self.columns.len()).map(widest).collect();
        let Some(width) = width else {
            return widths;
        };
        let needed = |widths: &[usize]| widths.iter().map(|w| w + 2).sum::<usize>();
        // A column off the widest one that may be cut, until it fits.
        while needed(&widths) > width + 2 {
            let wide = widths.iter_mut().zip(&self.columns);
            let wide = wide.filter(|(w, c)| **c == Column::Wide && **w > NARROWEST);
            match wide.max_by_key(|(w, _)| **w) {
                Some((widest, _)) => *widest -= 1,
                None => break,
            }
        }
        widths
    }
}

fn cut(cell: &str, width: usize) -> String {
    if cell.chars().count() <= width {
        return cell.into();
    }
    let kept = cell.chars().take(width.saturating_sub(1));
    kept.chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pipe_gets_all_and_a_terminal_what_fits() {
        let head = [
            (Column::Left, ""),
            (Column::Wide, "Name"),
            (Column::Right, "Size"),
            (Column::Wide, "Why"),
        ];
        let mut table = Table::new(&head);
        table.row(["*", "short", "1 B", "because of\na newline"]);
        table.row(["", "a-rather-long-name-of-a-package", "1.2 MB", "no"]);
        assert_eq!(
            table.to_text(None),
            "   Name                               Size  Why\n\
             *  short                               1 B  because of?a newline\n   \
             a-rather-long-name-of-a-package  1.2 MB  no\n"
        );
        let fits = table.to_text(Some(40));
        assert_eq!(
            fits,
            "   Name              Size  Why\n\
             *  short              1 B  because of?a…\n   \
             a-rather-long…  1.2 MB  no\n"
        );
        assert!(fits.lines().all(|l| l.chars().count() <= 40));
        assert!(table.to_text(Some(1)).lines().count() == 3);
    }
}
