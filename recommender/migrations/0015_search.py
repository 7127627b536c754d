"""Search by words: lexemes that triggers keep, words that are counted, a configuration a language."""

import django.contrib.postgres.indexes
import django.contrib.postgres.search
import django.db.models.deletion
from django.contrib.postgres.operations import (
    BtreeGinExtension,
    CreateExtension,
    TrigramExtension,
    UnaccentExtension,
)
from django.db import migrations, models

LANGUAGE_CHOICES = [
    (name, name.capitalize())
    for name in (
        *("simple", "arabic", "armenian", "basque", "catalan", "danish", "dutch", "english"),
        *("finnish", "french", "german", "greek", "hindi", "hungarian", "indonesian", "irish"),
        *("italian", "lithuanian", "nepali", "norwegian", "portuguese", "romanian", "russian"),
        *("serbian", "spanish", "swedish", "tamil", "turkish", "yiddish"),
    )
]

# A configuration for each language of the server, and one for none: words lose their accents.
LANGUAGES = r"""
DO $$ DECLARE language text; dictionary text; BEGIN
    FOR language IN SELECT cfgname FROM pg_ts_config
        WHERE cfgnamespace = 'pg_catalog'::regnamespace
    LOOP
        dictionary := CASE language WHEN 'simple' THEN 'simple' ELSE language || '_stem' END;
        EXECUTE format('CREATE TEXT SEARCH CONFIGURATION %I (COPY = pg_catalog.%I)',
                       'kinship_' || language, language);
        EXECUTE format('ALTER TEXT SEARCH CONFIGURATION %I '
                       'ALTER MAPPING FOR word, hword, hword_part WITH unaccent, pg_catalog.%I',
                       'kinship_' || language, dictionary);
    END LOOP;
END $$;
"""
NO_LANGUAGES = r"""
DO $$ DECLARE language text; BEGIN
    FOR language IN SELECT cfgname FROM pg_ts_config WHERE cfgname LIKE 'kinship\_%' LOOP
        EXECUTE format('DROP TEXT SEARCH CONFIGURATION %I', language);
    END LOOP;
END $$;
"""

# Texts are cut: a tsvector holds 1 MB at most, and what comes late in a text says little.
DOCUMENTS = """
CREATE VIEW kinship_languages AS
SELECT c.id AS catalog_id, COALESCE(
    (SELECT t.oid FROM pg_ts_config t WHERE t.cfgname = 'kinship_' || c.search_language),
    'kinship_simple'::regconfig)::regconfig AS config
FROM recommender_catalog c;

CREATE FUNCTION kinship_lexemes(p recommender_product, config regconfig) RETURNS tsvector
LANGUAGE sql STABLE AS $$
    SELECT setweight(to_tsvector(config, left(p.title, 2000)), 'A')
        || setweight(to_tsvector(config, p.brand || ' ' || replace(p.category, '/', ' ')), 'B')
        || setweight(jsonb_to_tsvector(config,
               CASE WHEN length(p.attributes::text) <= 20000 THEN p.attributes ELSE '{}' END,
               '["string", "numeric"]'), 'C')
        || setweight(to_tsvector(config, left(p.description, 20000)), 'D')
$$;

CREATE FUNCTION kinship_add_documents() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO recommender_searchdocument (product_id, catalog_id, lexemes)
    SELECT p.id, p.catalog_id, kinship_lexemes(p, c.config)
    FROM changed p JOIN kinship_languages c ON c.catalog_id = p.catalog_id
    ON CONFLICT (product_id) DO UPDATE SET lexemes = excluded.lexemes;
    RETURN NULL;
END $$;

CREATE FUNCTION kinship_change_documents() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE recommender_searchdocument d SET lexemes = kinship_lexemes(p, c.config)
    FROM changed p JOIN before b ON b.id = p.id
        JOIN kinship_languages c ON c.catalog_id = p.catalog_id
    WHERE d.product_id = p.id AND p.content_hash <> b.content_hash;
    RETURN NULL;
END $$;

INSERT INTO recommender_searchdocument (product_id, catalog_id, lexemes)
SELECT p.id, p.catalog_id, kinship_lexemes(p, c.config)
FROM recommender_product p JOIN kinship_languages c ON c.catalog_id = p.catalog_id;

CREATE TRIGGER search_documents_added AFTER INSERT ON recommender_product
    REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION kinship_add_documents();
CREATE TRIGGER search_documents_changed AFTER UPDATE ON recommender_product
    REFERENCING OLD TABLE AS before NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION kinship_change_documents();
"""
NO_DOCUMENTS = """
DROP TRIGGER search_documents_added ON recommender_product;
DROP TRIGGER search_documents_changed ON recommender_product;
DROP FUNCTION kinship_add_documents;
DROP FUNCTION kinship_change_documents;
DROP FUNCTION kinship_lexemes;
DROP VIEW kinship_languages;
"""


class Migration(migrations.Migration):
    dependencies = [("recommender", "0013_sign_in_tries")]

    operations = [
        UnaccentExtension(),
        TrigramExtension(),
        BtreeGinExtension(),
        CreateExtension("fuzzystrmatch"),
        migrations.RunSQL(LANGUAGES, NO_LANGUAGES),
        migrations.AddField(
            "catalog",
            "language",
            models.CharField(
                blank=True,
                choices=LANGUAGE_CHOICES,
                db_default="",
                default="",
                help_text="What the products are written in; simple: words are searched for as "
                "they are, not by their stems. Empty: recognised from their texts.",
                max_length=63,
            ),
        ),
        migrations.AddField(
            "catalog",
            "search_language",
            models.CharField(
                db_default="english",
                default="english",
                editable=False,
                help_text="What the products' lexemes are made by now.",
                max_length=63,
            ),
        ),
        migrations.AddField(
            "catalog",
            "words_counted_at",
            models.DateTimeField(blank=True, editable=False, null=True),
        ),
        migrations.AddField(
            "catalog",
            "words_counted_of",
            models.PositiveBigIntegerField(
                db_default=0,
                default=0,
                editable=False,
                help_text="Products whose words were counted.",
            ),
        ),
        migrations.CreateModel(
            "SearchDocument",
            fields=[
                (
                    "product",
                    models.OneToOneField(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        primary_key=True,
                        related_name="+",
                        serialize=False,
                        to="recommender.product",
                    ),
                ),
                ("lexemes", django.contrib.postgres.search.SearchVectorField()),
                (
                    "catalog",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="recommender.catalog",
                    ),
                ),
            ],
            options={
                "indexes": [
                    django.contrib.postgres.indexes.GinIndex(
                        fields=["catalog", "lexemes"],
                        gin_pending_list_limit=1024,
                        name="search_document_lexemes",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            "SearchWord",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "catalog_id",
                        "word",
                        blank=True,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("word", models.TextField(db_collation="C")),
                ("stem", models.TextField(db_collation="C")),
                ("products", models.PositiveIntegerField()),
                (
                    "catalog",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="recommender.catalog",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(fields=["catalog", "stem"], name="search_word_stem"),
                    django.contrib.postgres.indexes.GinIndex(
                        fields=["catalog", "word"],
                        name="search_word_trigrams",
                        opclasses=["int8_ops", "gin_trgm_ops"],
                    ),
                ],
            },
        ),
        migrations.RunSQL(DOCUMENTS, NO_DOCUMENTS),
    ]
