// The numbers of a fleet, in one place.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>

namespace mandrill {

struct fleet_options {
    /// @param state where names, locks and the ledger are kept; made when it is missing
    explicit fleet_options(std::filesystem::path state) : folder(std::move(state)) {}

    std::filesystem::path folder;
    std::size_t hosts = 12;
    std::uint64_t seed = 0;  ///< decides names and boot delays

    /// What is run as `PROGRAM host --name ...`: by default, this program itself.
    std::filesystem::path program = "/proc/self/exe";

    std::chrono::milliseconds boot_delay_min{50};   ///< a boot takes between this ...
    std::chrono::milliseconds boot_delay_max{300};  ///< ... and this
    std::size_t stubborn_every = 5;  ///< every so-manieth host ignores SIGTERM; 0: none does

    std::chrono::milliseconds grace{1'000};           ///< from SIGTERM to SIGKILL
    std::chrono::milliseconds health_limit{10'000};   ///< from switching on to being healthy
    std::chrono::milliseconds answer_limit{1'000};    ///< for one question about its health
    std::chrono::milliseconds revive_pause{1'000};    ///< after a failed power-on; doubles, to 60 s
    std::chrono::milliseconds ask_every{60'000};      ///< how often each host's health is asked
    std::chrono::milliseconds orphan_after{600'000};  ///< then a host that nobody asks exits
    std::size_t boots_at_once = 16;                   ///< during start()

    [[nodiscard]] std::filesystem::path ledger_file() const { return folder / "ledger.jsonl"; }
};

}  // namespace mandrill
