// Which hosts the fleet has: names that are drawn once and kept beside the ledger, so that a second
// run of the service meets the same hosts, and a request that was saved by a killed one finds its.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace mandrill {

/// The fleet's names, in the order in which they were drawn, `count` at least: those on record in
/// `folder`, and new ones if they are too few, which are put on record durably. Blocks. Throws
/// std::runtime_error when the record cannot be read or written.
[[nodiscard]] std::vector<std::string> load_roster(const std::filesystem::path& folder,
                                                   std::size_t count, std::uint64_t seed);

}  // namespace mandrill
