// Reading and writing of the ledger; ledger.hpp says what it is for.
#include "mandrill/fleet/ledger.hpp"

#include <algorithm>
#include <fcntl.h>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <ranges>
#include <unistd.h>

#include "loop/error.hpp"
#include "loop/fd.hpp"

namespace mandrill {
namespace {

[[noreturn]] void fail(const std::filesystem::path& file, const char* what) {
    mayhem::throw_errno(errno, std::string(what) + " the ledger " + file.string());
}

/// True when the file ends in the middle of a line.
bool is_torn(int descriptor) {
    const off_t size = ::lseek(descriptor, 0, SEEK_END);
    char last = '\n';
    return size > 0 && ::pread(descriptor, &last, 1, size - 1) == 1 && last != '\n';
}

}  // namespace

std::string to_json_line(const boot_record& boot) {
    // A host's name or a request's id that is not UTF-8 must not keep a host from booting.
    using json = nlohmann::ordered_json;
    const json line = {{"at", boot.at_ms}, {"host", boot.host}, {"boot_id", boot.boot_id},
                       {"pid", boot.pid},  {"port", boot.port}, {"request", boot.request}};
    return line.dump(-1, ' ', false, json::error_handler_t::replace);
}

std::optional<boot_record> parse_boot_record(std::string_view line) {
    const auto read = nlohmann::json::parse(line, nullptr, /*allow_exceptions=*/false);
    if (!read.is_object()) return std::nullopt;
    try {
        boot_record boot;
        read.at("at").get_to(boot.at_ms);
        read.at("host").get_to(boot.host);
        read.at("boot_id").get_to(boot.boot_id);
        read.at("pid").get_to(boot.pid);
        read.at("port").get_to(boot.port);
        read.at("request").get_to(boot.request);
        return boot;
    } catch (const nlohmann::json::exception&) {  // a key is missing or of another type
        return std::nullopt;
    }
}

void ledger::append(const boot_record& boot) const {
    const mayhem::unique_fd out(
        ::open(file_.c_str(), O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC, 0644));
    if (!out) fail(file_, "Could not open");
    // Behind a torn line, this one would be torn too. If two hosts find that at the same time, an
    // empty line is left, which does no harm.
    std::string line = is_torn(out.get()) ? "\n" : "";
    line += to_json_line(boot) + '\n';
    ssize_t written = 0;
    do {
        written = ::write(out.get(), line.data(), line.size());
    } while (written < 0 && errno == EINTR);
    if (written >= 0 && static_cast<std::size_t>(written) != line.size()) errno = ENOSPC;
    if (written != static_cast<ssize_t>(line.size())) fail(file_, "Could not write to");
    if (::fdatasync(out.get()) != 0) fail(file_, "Could not flush");
}

ledger_contents ledger::read() const {
    ledger_contents contents;
    std::ifstream in(file_, std::ios::binary);
    if (!in) {
        if (std::error_code error; !std::filesystem::exists(file_, error) && !error) {
            return contents;
        }
        fail(file_, "Could not read");
    }
    const std::string text{std::istreambuf_iterator<char>(in), {}};
    for (std::size_t begin = 0; begin < text.size();) {
        const std::size_t end = std::min(text.find('\n', begin), text.size());
        const auto line = std::string_view(text).substr(begin, end - begin);
        begin = end + 1;
        if (line.empty()) continue;
        // The last line may be without its newline: then it counts if it is whole all the same.
        if (auto boot = parse_boot_record(line)) {
            contents.boots.push_back(std::move(*boot));
        } else {
            ++contents.damaged_lines;
        }
    }
    return contents;
}

std::optional<boot_record> last_boot_of(std::span<const boot_record> boots, std::string_view host) {
    for (const boot_record& boot : boots | std::views::reverse) {
        if (boot.host == host) return boot;
    }
    return std::nullopt;
}

std::vector<boot_record> boots_of(std::span<const boot_record> boots, std::string_view request) {
    std::vector<boot_record> found;
    std::ranges::copy_if(boots, std::back_inserter(found),
                         [request](const boot_record& boot) { return boot.request == request; });
    return found;
}

}  // namespace mandrill
