#include "c_read.hpp"

#include <algorithm>
#include <cmath>
#include <span>

#include "../base/text.hpp"
#include "diagnostics.hpp"

namespace berth::inline host_v1 {

namespace {

using provider_diagnostics::malformed;

constexpr std::int64_t last_moment = 253'402'300'799'999;  // 9999-12-31T23:59:59.999Z

std::string field_text(std::string_view field) {
    return "a malformed " + std::string(field);
}

[[noreturn]] void refuse(std::string_view field, const std::string& why) {
    throw Breach(malformed, "the plugin gave " + field_text(field) + ": " + why);
}

std::span<const berth_pair> span_of(berth_pairs pairs, std::string_view field) {
    if (pairs.count == 0) return {};
    if (pairs.data == nullptr) refuse(field, "a count without data");
    if (pairs.count > ReadLimits::pairs) {
        refuse(field, std::to_string(pairs.count) + " entries, at most " + std::to_string(ReadLimits::pairs));
    }
    const std::span<const berth_pair> view(pairs.data, static_cast<std::size_t>(pairs.count));
    std::uint64_t bytes = 0;
    for (const auto& pair : view) {
        bytes += std::min(pair.name.size, ReadLimits::pair_bytes) + std::min(pair.value.size, ReadLimits::pair_bytes);
        if (bytes > ReadLimits::pair_bytes) refuse(field, "more than 8 MiB");
    }
    return view;
}

std::string as_text(std::string_view bytes) {
    return is_utf8(bytes) ? std::string(bytes) : printable(bytes);
}

}  // namespace

Breach::Breach(const Diagnostic& diagnostic, std::string message)
    : Error(diagnostic, [&message] {
          ErrorFields fields;
          fields.message = std::move(message);
          fields.hint = "report this to the author of the plugin";
          fields.outcome = Outcome::unknown;
          return fields;
      }()) {}

std::string_view read_bytes(berth_str view, std::string_view field, std::uint64_t longest) {
    if (view.size == 0) return {};
    if (view.data == nullptr) refuse(field, "a size without data");
    if (view.size > longest) {
        refuse(field, std::to_string(view.size) + " bytes, at most " + std::to_string(longest));
    }
    return {view.data, static_cast<std::size_t>(view.size)};
}

std::string read_text(berth_str view, std::string_view field, std::uint64_t longest) {
    const auto bytes = read_bytes(view, field, longest);
    if (!is_utf8(bytes)) refuse(field, "not UTF-8");
    return std::string(bytes);
}

std::string read_shown_text(berth_str view, std::string_view field, std::uint64_t longest) {
    return as_text(read_bytes(view, field, longest));
}

bool is_id(std::string_view text) noexcept {
    if (text.empty() || text.size() > 128 || text == "." || text == "..") return false;
    return std::all_of(text.begin(), text.end(), [](char character) {
        return (character >= 'a' && character <= 'z') || (character >= 'A' && character <= 'Z') ||
               (character >= '0' && character <= '9') || character == '.' || character == '_' || character == '-';
    });
}

std::string read_id(berth_str view, std::string_view field) {
    const auto bytes = read_bytes(view, field, ReadLimits::name);
    if (!is_id(bytes)) {
        throw Breach(provider_diagnostics::wrong_id, "the plugin gave the " + std::string(field) + " " +
                                                         berth::quoted(bytes) +
                                                         ", expected 1-128 of [A-Za-z0-9._-], not \".\" or \"..\"");
    }
    return std::string(bytes);
}

std::optional<std::int64_t> read(berth_opt_i64 number) {
    return number.present != 0 ? std::optional(number.value) : std::nullopt;
}

std::optional<std::uint64_t> read(berth_opt_u64 number) {
    return number.present != 0 ? std::optional(number.value) : std::nullopt;
}

std::optional<double> read(berth_opt_f64 number, std::string_view field) {
    if (number.present == 0) return std::nullopt;
    if (!std::isfinite(number.value) || number.value < 0) refuse(field, "not a number from 0 up");
    return number.value;
}

Moment read_moment(std::int64_t milliseconds, std::string_view field) {
    if (milliseconds < 0 || milliseconds > last_moment) {
        refuse(field, std::to_string(milliseconds) + " ms is not between the years 1970 and 9999");
    }
    return Moment(Milliseconds(milliseconds));
}

std::optional<Moment> read_moment(berth_opt_i64 milliseconds, std::string_view field) {
    if (milliseconds.present == 0) return std::nullopt;
    return read_moment(milliseconds.value, field);
}

std::vector<std::pair<std::string, std::string>> read_shown_pairs(berth_pairs pairs, std::string_view field) {
    std::vector<std::pair<std::string, std::string>> all;
    for (const auto& pair : span_of(pairs, field)) {
        const bool secret = (pair.flags & BERTH_PAIR_SECRET) != 0;
        all.emplace_back(read_shown_text(pair.name, field, ReadLimits::name),
                         secret ? "***" : read_shown_text(pair.value, field, ReadLimits::value));
    }
    return all;
}

Variables read_labels(berth_pairs pairs, std::string_view field) {
    Variables all;
    for (const auto& pair : span_of(pairs, field)) {
        const auto name = read_text(pair.name, field, ReadLimits::name);
        if (!all.emplace(name, read_text(pair.value, field)).second) refuse(field, berth::quoted(name) + " twice");
    }
    return all;
}

void read_variable(const berth_pair& pair, std::string_view field, ReadVariables& into) {
    const auto name = read_bytes(pair.name, field, ReadLimits::name);
    if (!is_variable_name(name)) refuse(field, berth::quoted(name) + " is no name of a variable");
    const auto value = read_bytes(pair.value, field, ReadLimits::value);
    // The value is not shown: it may be a secret.
    if (value.find('\0') != std::string_view::npos) refuse(field, "NUL in the value of " + std::string(name));
    if (!into.values.emplace(name, value).second) refuse(field, std::string(name) + " twice");
    if ((pair.flags & BERTH_PAIR_SECRET) != 0) into.secret.emplace(name);
}

ReadVariables read_variables(berth_pairs pairs, std::string_view field) {
    ReadVariables all;
    for (const auto& pair : span_of(pairs, field))
        read_variable(pair, field, all);
    return all;
}

}  // namespace berth::inline host_v1
