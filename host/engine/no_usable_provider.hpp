// The error of a configuration whose providers are all refused: it keeps every reason, for whoever lists them all.
#pragma once

#include <utility>
#include <vector>

#include "../base/error.hpp"
#include "diagnostics.hpp"

namespace berth::inline host_v1 {

class NoUsableProvider final : public Error {
public:
    NoUsableProvider(ErrorFields fields, std::vector<Error> reasons)
        : Error(engine_diagnostics::no_usable_provider, std::move(fields)), reasons_(std::move(reasons)) {}
    [[nodiscard]] const std::vector<Error>& reasons() const noexcept { return reasons_; }

private:
    std::vector<Error> reasons_;
};

}  // namespace berth::inline host_v1
