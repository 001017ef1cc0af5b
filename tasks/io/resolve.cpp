#include "tasks/io/resolve.hpp"

#include <cerrno>
#include <fmt/format.h>
#include <memory>
#include <netdb.h>
#include <sys/socket.h>

#include "loop/error.hpp"
#include "tasks/executor.hpp"

namespace mayhem {
namespace {

class getaddrinfo_category final : public std::error_category {
  public:
    [[nodiscard]] const char* name() const noexcept override { return "getaddrinfo"; }
    [[nodiscard]] std::string message(int code) const override { return ::gai_strerror(code); }
};

/// Blocks: for a thread of the executor.
std::vector<address> look_up(const std::string& host, std::uint16_t port) {
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = AI_ADDRCONFIG | AI_NUMERICSERV;
    addrinfo* found = nullptr;
    const std::string service = std::to_string(port);
    const int error =
        ::getaddrinfo(host.empty() ? nullptr : host.c_str(), service.c_str(), &hints, &found);
    const std::string what = fmt::format("resolve \"{}\"", host);
    if (error == EAI_SYSTEM) throw_errno(errno, what);
    if (error != 0) throw std::system_error(error, resolve_category(), what);
    const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owner(found, &::freeaddrinfo);
    std::vector<address> addresses;
    for (const addrinfo* item = found; item != nullptr; item = item->ai_next) {
        addresses.push_back(address::from(item->ai_addr, item->ai_addrlen));
    }
    return addresses;
}

}  // namespace

const std::error_category& resolve_category() noexcept {
    static const getaddrinfo_category category;
    return category;
}

coro<std::vector<address>> resolve(std::string host, std::uint16_t port) {
    if (const auto numeric = address::numeric(host, port)) {
        co_return std::vector<address>{*numeric};
    }
    auto job = [host = std::move(host), port] { return look_up(host, port); };
    co_return co_await run_in_executor(std::move(job));
}

}  // namespace mayhem
