-- What the agency set: filled by settings.Projector from the streams agency, form-* and terms-*.

create table agency (
    singleton boolean primary key default true check (singleton),
    version  int   not null,  -- counts the changes; decisions store it
    settings jsonb not null   -- people.AgencySettings, whole
);

create table forms (
    form    text  not null,   -- id, such as face-to-face
    version int   not null,
    body    jsonb not null,   -- forms.Form, whole: a job renders with the version that it was booked on
    defined_at timestamptz not null, -- business time
    defined_by uuid        not null, -- the user
    primary key (form, version)
);

create table terms (
    terms   text  not null,
    version int   not null,
    body    jsonb not null,   -- forms.Terms, whole
    primary key (terms, version)
);
