#include "mandrill/restart/restarter.hpp"

#include <fmt/format.h>

namespace mandrill {

std::string host_name_of(std::string_view instance) {
    return fmt::format("{}.example.net", instance);
}

restart_failed::restart_failed(std::string_view host, std::string_view why)
    : std::runtime_error(fmt::format("Could not restart {}: {}", host_name_of(host), why)) {}

}  // namespace mandrill
