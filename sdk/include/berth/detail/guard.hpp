// Nothing is thrown across the contract: what a method throws becomes `fail` and a number, here and nowhere else.
#ifndef BERTH_DETAIL_GUARD_HPP
#define BERTH_DETAIL_GUARD_HPP

#include <new>

#include "../call.hpp"

namespace berth::inline sdk_v1::detail {

/// Turns the exception in flight into a recorded failure. Call it in a catch block.
inline berth_status fail_by_exception(Call& call) noexcept {
    try {
        try {
            throw;
        } catch (const Error& error) {
            return call.fail(error);
        } catch (const std::bad_alloc&) {
            return call.fail(Error(Code::resource_exhausted, "the plugin ran out of memory"));
        } catch (const std::exception& error) {
            return call.fail(Error(Code::internal, std::string{"the plugin threw: "} + error.what()));
        } catch (...) {
            return call.fail(Error(Code::internal, "the plugin threw something that is no std::exception"));
        }
    } catch (...) {
        return BERTH_INTERNAL;  // not even the text could be made
    }
}

/// Runs `body`, which returns a status; whatever it throws is recorded in `call`.
template <class Body>
berth_status guard(Call& call, Body&& body) noexcept {
    try {
        return body();
    } catch (...) {
        return fail_by_exception(call);
    }
}

/// What a method answers when a sink of the host did not take its result.
inline berth_status put_answer(berth_status status) {
    if (status == BERTH_OK || status == BERTH_ENOUGH) return BERTH_OK;
    throw Error::recorded_by_host(status, "the host did not take the result");
}

}  // namespace berth::inline sdk_v1::detail

#endif
