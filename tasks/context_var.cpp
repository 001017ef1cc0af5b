#include "tasks/context_var.hpp"

#include <atomic>

namespace mayhem::detail {

// Not the variable's address: a later variable may get the same one, with another type.
std::uint64_t next_context_variable() noexcept {
    static std::atomic<std::uint64_t> last{0};
    return last.fetch_add(1, std::memory_order_relaxed) + 1;
}

void throw_no_value(const std::string& name) {
    throw std::out_of_range("context variable '" + name + "' has no value here, and no default");
}

void check_token(const std::string& name, std::uint64_t variable, std::uint64_t token_variable,
                 bool is_here, bool used) {
    const std::string about = "context variable '" + name + "': the token ";
    if (used) throw std::logic_error(about + "has already been used once");
    if (token_variable != variable) throw std::logic_error(about + "is of another variable");
    if (!is_here) throw std::logic_error(about + "was created in another context");
}

}  // namespace mayhem::detail
