// Randomness that a seed reproduces, whatever the order of events: every draw is a function of the
// seed, of whom it is for, and of how many draws came before for the same one. Concurrent restarts
// may overtake each other and still get the same boot ids and the same injected failures.
//
// It refuses to be used where somebody could gain by guessing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace mandrill {

/// 64 random bits, the `count`-th for `whom`.
[[nodiscard]] std::uint64_t draw(std::uint64_t seed, std::string_view whom, std::uint64_t count);

/// The same as a number in [0, 1).
[[nodiscard]] double draw_fraction(std::uint64_t seed, std::string_view whom, std::uint64_t count);

/// A boot id in the form of a UUID, the `count`-th of `host`: for simulated hosts.
[[nodiscard]] std::string draw_boot_id(std::uint64_t seed, std::string_view host,
                                       std::uint64_t count);

/// `count` different names like `cattle-zpsk`, in the order of drawing. With the same seed, a
/// larger fleet contains the smaller one. Throws std::length_error above 100,000.
[[nodiscard]] std::vector<std::string> draw_host_names(std::uint64_t seed, std::size_t count);

/// 128 bits as a UUID of version 4.
[[nodiscard]] std::string format_uuid(std::uint64_t high, std::uint64_t low);

}  // namespace mandrill
