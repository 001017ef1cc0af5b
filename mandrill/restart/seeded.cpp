// SplitMix64 over an FNV-1a hash: both are fixed by their published constants, unlike std::hash and
// the standard distributions, so that a seed means the same on every machine.
#include "mandrill/restart/seeded.hpp"

#include <fmt/format.h>
#include <stdexcept>
#include <unordered_set>

namespace mandrill {
namespace {

constexpr std::uint64_t mix(std::uint64_t bits) noexcept {
    bits += 0x9e3779b97f4a7c15U;
    bits = (bits ^ (bits >> 30U)) * 0xbf58476d1ce4e5b9U;
    bits = (bits ^ (bits >> 27U)) * 0x94d049bb133111ebU;
    return bits ^ (bits >> 31U);
}

constexpr std::uint64_t hash(std::string_view text) noexcept {
    std::uint64_t bits = 0xcbf29ce484222325U;
    for (const char letter : text) {
        bits = (bits ^ static_cast<unsigned char>(letter)) * 0x100000001b3U;
    }
    return bits;
}

}  // namespace

std::uint64_t draw(std::uint64_t seed, std::string_view whom, std::uint64_t count) {
    return mix(mix(mix(seed) ^ hash(whom)) + count);
}

double draw_fraction(std::uint64_t seed, std::string_view whom, std::uint64_t count) {
    return static_cast<double>(draw(seed, whom, count) >> 11U) * 0x1.0p-53;
}

std::string draw_boot_id(std::uint64_t seed, std::string_view host, std::uint64_t count) {
    return format_uuid(draw(seed, host, 2 * count), draw(seed, host, 2 * count + 1));
}

std::vector<std::string> draw_host_names(std::uint64_t seed, std::size_t count) {
    constexpr std::string_view letters = "abcdefghijklmnopqrstuvwxyz0123456789";
    // There are 36^4 names; far below that, drawing again after a collision stays cheap.
    if (count > 100'000) throw std::length_error("A fleet has at most 100,000 hosts");
    std::vector<std::string> names;
    std::unordered_set<std::string> taken;
    for (std::uint64_t attempt = 0; names.size() < count; ++attempt) {
        std::uint64_t bits = draw(seed, "host names", attempt);
        std::string name = "cattle-";
        for (int position = 0; position < 4; ++position) {
            name += letters[bits % letters.size()];
            bits /= letters.size();
        }
        if (taken.insert(name).second) names.push_back(std::move(name));
    }
    return names;
}

std::string format_uuid(std::uint64_t high, std::uint64_t low) {
    high = (high & ~std::uint64_t{0xf000}) | 0x4000U;                      // version 4
    low = (low & ~(std::uint64_t{3} << 62U)) | (std::uint64_t{2} << 62U);  // RFC 4122's variant
    return fmt::format("{:08x}-{:04x}-{:04x}-{:04x}-{:012x}", high >> 32U, (high >> 16U) & 0xffffU,
                       high & 0xffffU, low >> 48U, low & 0xffffffffffffU);
}

}  // namespace mandrill
