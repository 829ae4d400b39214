/* libkulla, all of it: version, result codes, inspection, findings. man libkulla shows the use. */
#ifndef KULLA_KULLA_H
#define KULLA_KULLA_H

#include <kulla/finding.h>
#include <kulla/inspect.h>
#include <kulla/result.h>
#include <kulla/version.h>

#endif
