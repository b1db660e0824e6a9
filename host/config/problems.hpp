// Collects what is wrong with one configuration file, so that a person can mend all of it at once.
// Knows no key and no YAML.
#pragma once

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "../base/error.hpp"
#include "config_tree.hpp"

namespace berth::inline host_v1 {

/// In one thread. Keeps the first hundred problems and of several alike at one place the first (an alias repeats them).
class Problems {
public:
    explicit Problems(std::string file) : file_(std::move(file)) {}

    /// `message`: what happened and what was found; `hint`: what to write instead. Neither may hold a setting's value.
    void add(const Diagnostic& diagnostic, Place place, std::string message, std::string hint);

    [[nodiscard]] bool empty() const noexcept { return found_.empty(); }
    [[nodiscard]] const std::string& file() const noexcept { return file_; }
    /// All of them in the order of the file.
    [[nodiscard]] std::vector<Error> sorted() const;

private:
    struct Found {
        Place place;
        Error error;
    };
    std::string file_;
    std::vector<Found> found_;
};

}  // namespace berth::inline host_v1
