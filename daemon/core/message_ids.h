/* MESSAGE_ID= of each kind of event (sd_journal_print(3)): the same for ever, so that `journalctl MESSAGE_ID=` and watchers of the journal
 * find an event whatever its text says. A new kind gets a new random id (systemd-id128 new). */
#pragma once

#define MESSAGE_ID_RUN_STARTED     "6e702c3fc2b74595b628abc78f81ae2c"
#define MESSAGE_ID_RUN_ENDED       "0506715e3fab4832a02bf93cc58a8155"
#define MESSAGE_ID_STEP_STARTED    "5c675a5399f0420085992385570ee479"
#define MESSAGE_ID_STEP_ENDED      "1a4cb50ca6e14509b15cdc2fb616ce17"
#define MESSAGE_ID_STEP_RETRIED    "4d4249d55b9643e8bf7b194cf1efcbab"
#define MESSAGE_ID_RUN_LOST        "4ff397e8fc9640d39b8218ba9cb70699"
#define MESSAGE_ID_JOBS_RELOADED   "c4cf98956c8c4f158f0c28276cbf9219"
#define MESSAGE_ID_JOB_FILE_ERROR  "ac1125ac089748d8a6dbcfb243279d2c"
#define MESSAGE_ID_MIRROR_DOWN     "30e028887e004a65b6ca7ff487576e82"
#define MESSAGE_ID_MIRROR_UP       "ca692e4102484eeb848770636a65c9d4"
#define MESSAGE_ID_STORE_TROUBLE   "73e2233c508f47a3a4fa03741c91c679"
#define MESSAGE_ID_AUDIT_ACT       "0f2fe1713f1046938e2dca00b1d4e704"
#define MESSAGE_ID_AUDIT_REFUSED   "acd36b9a979f429d988fd67092cf3f15"
#define MESSAGE_ID_DAEMON_STARTED  "283f86eb62304df3a3b454e902e15287"
#define MESSAGE_ID_DAEMON_STOPPING "e78c1685190145f782c2abcf2e14e37c"
#define MESSAGE_ID_MESSAGES_LOST   "07c8a5c8d59747a38dbcd97f9969d105"
#define MESSAGE_ID_RUN_RECOVERED   "b7d3a0f4c3da4c0c8e0d0b6f2d0a9e57"
#define MESSAGE_ID_STEP_WARNING    "2f9c8d1e7b6a4c53a1e0f4d8b5c7a962"
