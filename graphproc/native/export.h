// Marks what the library shows to those who load it; all else is hidden.
#pragma once
#if defined(_WIN32)
#define GRAPHPROC_EXPORT __declspec(dllexport)
#else
#define GRAPHPROC_EXPORT __attribute__((visibility("default")))
#endif
