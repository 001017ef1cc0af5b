// The record is a text file with a name per line, replaced as a whole when the fleet grows.
#include "mandrill/fleet/roster.hpp"

#include <algorithm>
#include <fcntl.h>
#include <fmt/format.h>
#include <fstream>
#include <stdexcept>
#include <unistd.h>

#include "loop/error.hpp"
#include "loop/fd.hpp"
#include "mandrill/restart/seeded.hpp"

namespace mandrill {
namespace {

std::vector<std::string> read_names(const std::filesystem::path& file) {
    std::vector<std::string> names;
    if (!std::filesystem::exists(file)) return names;
    std::ifstream in(file);
    if (!in) mayhem::throw_errno(errno, "Could not read " + file.string());
    for (std::string line; std::getline(in, line);) {
        // A name becomes a file's name and a program's argument: nothing odd may get in by hand.
        const bool is_odd =
            line.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-") != std::string::npos;
        if (line.empty() || line.front() == '-' || is_odd) {
            throw std::runtime_error(fmt::format(
                "{} names a host \"{}\", which is no host's name. Repair or remove the file.",
                file.string(), line));
        }
        if (std::ranges::find(names, line) == names.end()) names.push_back(line);
    }
    return names;
}

/// Writes beside the file and renames: a reader sees the old record or the new one.
void write_names(const std::filesystem::path& file, const std::vector<std::string>& names) {
    const std::filesystem::path fresh = file.string() + ".new";
    {
        std::ofstream out(fresh, std::ios::trunc);
        for (const std::string& name : names) out << name << '\n';
        if (!out.flush()) mayhem::throw_errno(errno, "Could not write " + fresh.string());
    }
    const mayhem::unique_fd written(::open(fresh.c_str(), O_RDONLY | O_CLOEXEC));
    if (!written || ::fsync(written.get()) != 0) {
        mayhem::throw_errno(errno, "Could not flush " + fresh.string());
    }
    std::filesystem::rename(fresh, file);
}

}  // namespace

std::vector<std::string> load_roster(const std::filesystem::path& folder, std::size_t count,
                                     std::uint64_t seed) {
    std::filesystem::create_directories(folder);
    const std::filesystem::path file = folder / "hosts";
    std::vector<std::string> names = read_names(file);
    if (names.size() >= count) return names;
    // At most all names on record collide with drawn ones, so this many draws are enough.
    for (std::string& name : draw_host_names(seed, names.size() + count)) {
        if (names.size() == count) break;
        if (std::ranges::find(names, name) == names.end()) names.push_back(std::move(name));
    }
    write_names(file, names);
    return names;
}

}  // namespace mandrill
