#include "loop/stall_report.hpp"

#include <cstdint>
#include <cstdlib>
#include <cxxabi.h>
#include <dlfcn.h>
#include <fmt/format.h>
#include <memory>

#include "loop/function_name.hpp"

namespace mayhem::detail {
namespace {

std::string demangled(const char* symbol) {
    int status = 0;
    const std::unique_ptr<char, decltype(&std::free)> name(
        abi::__cxa_demangle(symbol, nullptr, nullptr, &status), &std::free);
    return status == 0 ? name.get() : symbol;
}

/// `save(int)+0x1f (/usr/bin/mandrill+0x4f3a1)`. The offset is what addr2line wants.
std::string describe_address(void* address) {
    Dl_info found{};
    if (::dladdr(address, &found) == 0 || found.dli_fname == nullptr) {
        return fmt::format("{}", address);
    }
    const auto at = reinterpret_cast<std::uintptr_t>(address);
    const auto module_offset = at - reinterpret_cast<std::uintptr_t>(found.dli_fbase);
    const std::string where = fmt::format("{}+{:#x}", found.dli_fname, module_offset);
    if (found.dli_sname == nullptr) return where;
    const auto symbol_offset = at - reinterpret_cast<std::uintptr_t>(found.dli_saddr);
    return fmt::format("{}+{:#x} ({})", demangled(found.dli_sname), symbol_offset, where);
}

std::string describe_step(const stall_snapshot& snapshot) {
    if (snapshot.task_id != 0) {
        const std::string name(snapshot.task_name.data());
        return fmt::format("<Task running name='{}'>",
                           name.empty() ? fmt::format("Task-{}", snapshot.task_id) : name);
    }
    if (snapshot.callback != nullptr) {
        return fmt::format("<Handle created at {}:{}>", snapshot.callback->file_name(),
                           snapshot.callback->line());
    }
    return "a step of the loop";
}

}  // namespace

std::string format_stall(const stall_snapshot* snapshot, duration lasted, std::size_t swallowed) {
    const std::chrono::duration<double, std::milli> milliseconds = lasted;
    std::string text = fmt::format("The event loop is stalled: {} has not returned for {:.0f} ms",
                                   snapshot != nullptr ? describe_step(*snapshot) : "a step",
                                   milliseconds.count());
    if (swallowed > 0) text += fmt::format(" ({} reports before this were left out)", swallowed);
    if (snapshot == nullptr) {
        return text + "\n  its thread does not answer: does it block real-time signals?";
    }
    if (snapshot->frame_count > 0) text += "\nAsync stack (most recent call last):";
    for (std::size_t index = snapshot->frame_count; index-- > 0;) {
        const stall_snapshot::frame& frame = snapshot->frames[index];
        text += fmt::format("\n  File \"{}\", line {}, in {}", frame.file, frame.line,
                            clean_function_name(frame.function));
    }
    text += "\nNative stack (most recent call first):";
    for (int index = 0; index < snapshot->native_count; ++index) {
        text += fmt::format("\n  #{} {}", index,
                            describe_address(snapshot->native[static_cast<std::size_t>(index)]));
    }
    return text;
}

}  // namespace mayhem::detail
