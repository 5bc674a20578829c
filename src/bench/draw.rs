//! Which wallet comes next, drawn by rank: all alike, or as in reality, a few of them often.
#![expect(clippy::float_arithmetic, reason = "frequencies, not money")]

use serde::Serialize;

/// How much likelier one rank is than the next: the first of 200,000 gets 13 % of all.
pub const ZIPF_EXPONENT: f64 = 1.1;

/// How wallets are chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Access {
    Uniform,
    Skewed,
}

impl Access {
    pub const ALL: [Self; 2] = [Self::Uniform, Self::Skewed];
}

/// Draws ranks from 0 on.
pub enum Draw {
    Uniform(usize),
    /// Sums of the weights up to each rank.
    Skewed(Vec<f64>),
}

impl Draw {
    /// Of that many ranks.
    #[must_use]
    pub fn new(access: Access, ranks: usize) -> Self {
        match access {
            Access::Uniform => Self::Uniform(ranks),
            Access::Skewed => {
                let weights = (1_u32..).take(ranks).map(|rank| f64::from(rank).powf(-ZIPF_EXPONENT));
                Self::Skewed(
                    weights
                        .scan(0.0, |sum, weight| {
                            *sum += weight;
                            Some(*sum)
                        })
                        .collect(),
                )
            }
        }
    }

    /// The next rank.
    pub fn rank(&self, dice: &mut fastrand::Rng) -> usize {
        match self {
            Self::Uniform(ranks) => dice.usize(0..*ranks),
            Self::Skewed(sums) => {
                let point = dice.f64() * sums.last().copied().unwrap_or_default();
                // A product that was rounded up to the whole sum is of the last rank.
                sums.partition_point(|sum| *sum <= point).min(sums.len().saturating_sub(1))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(access: Access, ranks: usize) -> Vec<u32> {
        let (draw, mut dice, mut counts) = (Draw::new(access, ranks), fastrand::Rng::with_seed(7), vec![0; ranks]);
        for _ in 0..100_000 {
            counts[draw.rank(&mut dice)] += 1;
        }
        counts
    }

    #[test]
    fn a_uniform_draw_reaches_every_rank_alike() {
        assert!(drawn(Access::Uniform, 100).iter().all(|count| (800..1_200).contains(count)));
    }

    #[test]
    fn a_skewed_draw_prefers_the_first_ranks_by_the_law_of_zipf() {
        let counts = drawn(Access::Skewed, 100);
        // Of 100 ranks the first has 1 / 4.28 of the weight, the second 2^1.1 times less, the last 100^1.1 times less.
        assert!((22_800..24_000).contains(&counts[0]), "{}", counts[0]);
        assert!((10_400..11_400).contains(&counts[1]), "{}", counts[1]);
        assert!((90..210).contains(&counts[99]), "{}", counts[99]);
        assert_eq!(drawn(Access::Skewed, 1), [100_000]);
    }
}
