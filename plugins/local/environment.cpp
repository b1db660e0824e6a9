#include "environment.hpp"

#include <algorithm>

#include "etc_tree.hpp"
#include "failure.hpp"

namespace berth_local {
namespace {

std::vector<NamedValue> defaults(const Record& record) {
    return {{"PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"},
            {"HOME", record.root ? "/root" : inner_home},
            {"USER", record.root ? "root" : inner_user},
            {"LANG", "C.UTF-8"}};
}

std::size_t size_of(const std::vector<NamedValue>& variables) {
    std::size_t total = 0;
    for (const NamedValue& variable : variables) {
        total += variable.name.size() + variable.value.size() + 2;
    }
    return total;
}

void add_name(std::vector<std::string>& names, const std::string& name) {
    if (std::find(names.begin(), names.end(), name) == names.end()) {
        names.push_back(name);
    }
}

}  // namespace

void lay_over(std::vector<NamedValue>& under, const std::vector<NamedValue>& over) {
    for (const NamedValue& value : over) {
        const auto found =
            std::find_if(under.begin(), under.end(), [&](const NamedValue& v) { return v.name == value.name; });
        if (found == under.end()) {
            under.push_back(value);
        } else {
            found->value = value.value;
            found->secret = found->secret || value.secret;
        }
    }
}

std::vector<NamedValue> whole_environment(const Record& record) {
    std::vector<NamedValue> all = defaults(record);
    lay_over(all, record.environment);
    return all;
}

std::vector<std::string> as_texts(const std::vector<NamedValue>& variables) {
    std::vector<std::string> texts;
    texts.reserve(variables.size());
    for (const NamedValue& variable : variables) {
        texts.push_back(variable.name + "=" + variable.value);
    }
    return texts;
}

void change_environment(Record& record, const std::vector<NamedValue>& set, const std::vector<std::string>& unset) {
    std::vector<NamedValue> changed = record.environment;
    std::vector<std::string> secret_names = record.secret_names;
    for (const NamedValue& variable : changed) {
        if (variable.secret) {
            add_name(secret_names, variable.name);
        }
    }
    for (const std::string& name : unset) {
        std::erase_if(changed, [&](const NamedValue& v) { return v.name == name; });
    }
    lay_over(changed, set);
    for (NamedValue& variable : changed) {
        const bool known = std::find(secret_names.begin(), secret_names.end(), variable.name) != secret_names.end();
        variable.secret = variable.secret || known;
    }
    const std::size_t size = size_of(changed);
    // What shrinks it is always welcome, however large it was made at first.
    if (size > most_environment_bytes && size > size_of(record.environment)) {
        throw refusal(BERTH_RESOURCE_EXHAUSTED,
                      "the sandbox's variables would be " + std::to_string(size) + " bytes together, more than 128 KiB",
                      "unset some, or put more into a file");
    }
    record.environment = std::move(changed);
    record.secret_names = std::move(secret_names);
}

}  // namespace berth_local
