"""Pictures and videos: fetched safely, recognised and decoded."""
