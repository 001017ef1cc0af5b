// What every wait with a limit throws when the limit is reached.
#pragma once

#include <stdexcept>

namespace mayhem {

/// Something was not done in time; asyncio's TimeoutError. What becomes of the unfinished work is
/// said where it is thrown.
class timeout_error : public std::runtime_error {
  public:
    timeout_error() : std::runtime_error("timed out") {}
    using std::runtime_error::runtime_error;
};

}  // namespace mayhem
